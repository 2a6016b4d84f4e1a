// SPDX-License-Identifier: Apache-2.0
#include "serve/osc_packet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "rt/error.hpp"

namespace sidetone::serve {
namespace {

constexpr std::size_t kAlignment = 4;
constexpr int kDeepest = 4;
constexpr std::string_view kBundle = "#bundle";
constexpr std::string_view kPatternCharacters = " #*,?[]{}";  // not in the name of anything

/// Big-endian words and padded texts, one after the other; never beyond the end.
class Reader {
public:
    Reader(std::span<const std::byte> bytes, std::size_t first) : bytes_(bytes), first_(first) {}

    [[nodiscard]] bool is_at_end() const noexcept { return at_ == bytes_.size(); }
    [[nodiscard]] std::size_t place() const noexcept { return first_ + at_; }

    /// A part of the packet, to be read by itself.
    [[nodiscard]] Reader part(std::size_t size) {
        const auto begin = place();
        return {take(size), begin};
    }

    template <class Word>
    [[nodiscard]] Word word() {
        Word value = 0;
        for (const auto byte : take(sizeof(Word))) value = static_cast<Word>(value << 8U | std::to_integer<Word>(byte));
        return value;
    }

    [[nodiscard]] std::string text() {
        const auto rest = bytes_.subspan(at_);
        const auto end = std::ranges::find(rest, std::byte{0});
        if (end == rest.end()) fail("a text without an end", "a zero after it");
        const auto length = static_cast<std::size_t>(end - rest.begin());
        std::string text;
        for (const auto byte : rest.first(length)) text += static_cast<char>(byte);
        if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) {
            fail("a text with other characters", "printable ASCII");
        }
        const auto padding = take(length / kAlignment * kAlignment + kAlignment).subspan(length);
        if (!std::ranges::all_of(padding, [](std::byte byte) { return byte == std::byte{0}; })) {
            fail("a text that is not padded with zeros", "its length to be a multiple of four");
        }
        return text;
    }

    [[noreturn]] void fail(const std::string& found, const std::string& expected) const {
        throw InputError(fmt::format("at byte {}: found {}, expected {}", place(), found, expected));
    }

private:
    std::span<const std::byte> take(std::size_t size) {
        if (size > bytes_.size() - at_) {
            fail(fmt::format("{} bytes", bytes_.size() - at_), fmt::format("{} or more", size));
        }
        at_ += size;
        return bytes_.subspan(at_ - size, size);
    }

    std::span<const std::byte> bytes_;
    std::size_t first_, at_ = 0;
};

std::string name_of(const std::string& address, const Reader& reader) {
    if (address.size() < 2 || !address.starts_with('/') ||
        address.find_first_of(kPatternCharacters) != std::string::npos) {
        reader.fail(fmt::format("the address \"{}\"", address), "a name such as /limit/ceiling_dbfs");
    }
    auto name = address.substr(1);
    std::ranges::replace(name, '/', '.');
    return name;
}

double number(char type, Reader& reader) {
    switch (type) {
        case 'i':
            return static_cast<double>(std::bit_cast<std::int32_t>(reader.word<std::uint32_t>()));
        case 'f':
            return static_cast<double>(std::bit_cast<float>(reader.word<std::uint32_t>()));
        case 'd':
            return std::bit_cast<double>(reader.word<std::uint64_t>());
        default:
            reader.fail(fmt::format("an argument of type '{}'", type), "numbers of types i, f, d, or one text, s");
    }
}

std::string file_or_word(Reader& reader) {
    auto text = reader.text();
    if (text.starts_with('.') || text.find_first_of("/\\") != std::string::npos) {
        reader.fail(fmt::format("\"{}\"", text), "a name without folders");
    }
    return text;
}

Change read_message(const std::string& address, Reader& reader) {
    Change change{name_of(address, reader), {}};
    const auto types = reader.text();
    if (types.size() < 2 || types.front() != ',') reader.fail("no argument", "type tags, a comma and letters");
    if (types == ",s") {
        change.value = file_or_word(reader);
    } else {
        std::vector<double> numbers;
        for (const char type : std::string_view{types}.substr(1)) numbers.push_back(number(type, reader));
        if (numbers.size() == 1) {
            change.value = numbers.front();
        } else {
            change.value = std::move(numbers);
        }
    }
    if (!reader.is_at_end()) reader.fail("more bytes", "the end");
    return change;
}

void read_element(Reader& reader, int depth, std::vector<Change>& changes) {
    const auto first = reader.text();
    if (first != kBundle) {
        changes.push_back(read_message(first, reader));
        return;
    }
    if (depth == kDeepest) reader.fail("a bundle", fmt::format("bundles no more than {} deep", kDeepest));
    (void)reader.word<std::uint64_t>();  // the time tag
    while (!reader.is_at_end()) {
        const auto size = reader.word<std::uint32_t>();
        auto element = reader.part(size);
        read_element(element, depth + 1, changes);
    }
}

}  // namespace

std::vector<Change> read_osc(std::span<const std::byte> packet) {
    Reader reader{packet, 0};
    if (packet.size() > kLongestOscPacket) {
        reader.fail(fmt::format("{} bytes", packet.size()), fmt::format("at most {}", kLongestOscPacket));
    }
    std::vector<Change> changes;
    read_element(reader, 0, changes);
    return changes;
}

}  // namespace sidetone::serve
