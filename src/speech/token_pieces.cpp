// SPDX-License-Identifier: Apache-2.0
#include "speech/token_pieces.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

#include "rt/error.hpp"

namespace sidetone::speech {
namespace {

constexpr std::string_view kFirstLines = "<unk>\n<s>\n</s>\n";
constexpr std::string_view kFirstLinesInBase64 = "PHVuaz4KPHM+Cjwvcz4K";  // the same 15 bytes
constexpr std::string_view kBlank = "\xE2\x96\x81";                       // U+2581
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";                 // U+FFFD
constexpr std::size_t kSpecialTokens = 3;
constexpr std::size_t kMostPieces = std::size_t{1} << 20;

std::string contents_of(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    if (!stream) throw InputError{fmt::format("{}: cannot be read", file.string())};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

int value_of_digit(char digit) noexcept {
    if (digit >= 'A' && digit <= 'Z') return digit - 'A';
    if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9') return digit - '0' + 52;
    if (digit == '+') return 62;
    return digit == '/' ? 63 : -1;
}

// Up to the first character that is no digit of base64 (RFC 4648, section 4).
std::string from_base64(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char digit : text) {
        const int value = value_of_digit(digit);
        if (value < 0) break;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 0xFF);
    }
    return bytes;
}

// "<0x41>" is one byte.
std::optional<char> byte_of(std::string_view piece) noexcept {
    if (piece.size() != 6 || !piece.starts_with("<0x") || !piece.ends_with('>')) return std::nullopt;
    unsigned value = 0;
    const auto* end = piece.data() + 5;
    if (std::from_chars(piece.data() + 3, end, value, 16).ptr != end) return std::nullopt;
    return static_cast<char>(value);
}

std::string bytes_of(std::string_view piece) {
    if (const auto byte = byte_of(piece)) return {*byte};
    std::string bytes;
    while (!piece.empty()) {
        const bool is_blank = piece.starts_with(kBlank);
        bytes += is_blank ? ' ' : piece.front();
        piece.remove_prefix(is_blank ? kBlank.size() : 1);
    }
    return bytes;
}

// Bytes of the well-formed UTF-8 character that `text` begins with, 0 where there is none (Unicode 15, table 3-7).
std::size_t length_of_character(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    const auto goes_on = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
    const auto first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4 || !goes_on(1)) return 0;
    if (first < 0xE0) return 2;
    if (!goes_on(2)) return 0;
    if (first < 0xF0) {
        const bool is_overlong = first == 0xE0 && byte(1) < 0xA0;
        const bool is_surrogate = first == 0xED && byte(1) > 0x9F;
        return is_overlong || is_surrogate ? 0 : 3;
    }
    const bool is_out_of_range = (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F);
    return is_out_of_range || !goes_on(3) ? 0 : 4;
}

std::string printable(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        const auto length = length_of_character(bytes);
        const auto first = static_cast<unsigned char>(bytes.front());
        if (length == 0) {
            text += kReplacement;
        } else if (first < ' ' || first == 0x7F) {
            text += ' ';
        } else {
            text += bytes.substr(0, length);
        }
        bytes.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text;
}

}  // namespace

TokenPieces::TokenPieces(const std::filesystem::path& file) {
    const auto contents = contents_of(file);
    const auto place = contents.find(kFirstLinesInBase64);
    if (contents.starts_with(kFirstLines)) {
        take_lines(contents);
    } else if (place != std::string::npos) {
        take_lines(from_base64(std::string_view{contents}.substr(place)));
    } else {
        throw InputError{fmt::format(
            "{}: found no pieces of tokens, expected lines that begin with <unk>, <s> and </s>, or these in base64",
            file.string())};
    }
}

TokenPieces TokenPieces::of_lines(std::string_view lines) {
    TokenPieces pieces;
    pieces.take_lines(lines);
    return pieces;
}

void TokenPieces::take_lines(std::string_view lines) {
    while (!lines.empty() && pieces_.size() < kMostPieces) {
        const auto end = lines.find('\n');
        pieces_.push_back(pieces_.size() < kSpecialTokens ? std::string{} : bytes_of(lines.substr(0, end)));
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    }
}

std::string TokenPieces::text_of(std::span<const std::int64_t> tokens) const {
    std::string bytes;
    for (const auto token : tokens) {
        if (token >= 0 && static_cast<std::size_t>(token) < pieces_.size()) {
            bytes += pieces_[static_cast<std::size_t>(token)];
        }
    }
    if (bytes.starts_with(' ')) bytes.erase(0, 1);
    return printable(bytes);
}

}  // namespace sidetone::speech
