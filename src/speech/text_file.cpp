// SPDX-License-Identifier: Apache-2.0
#include "speech/text_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <utility>

#include "rt/error.hpp"

namespace sidetone::speech {

TextFile::TextFile(std::filesystem::path file, std::size_t max_bytes) : file_(std::move(file)) {
    std::ifstream in{file_, std::ios::binary};
    constexpr std::size_t kPiece = std::size_t{1} << 16;
    std::size_t size = 0;
    while (in && size <= max_bytes) {
        text_.resize(size + kPiece);
        in.read(text_.data() + size, kPiece);
        size += static_cast<std::size_t>(in.gcount());
    }
    if (size > max_bytes) {
        throw InputError(fmt::format("{}: found more than {} bytes, expected fewer", file_.string(), max_bytes));
    }
    if (in.bad() || !in.eof()) throw InputError(fmt::format("{}: cannot be read", file_.string()));
    text_.resize(size);
    rest_ = text_;
}

bool TextFile::next_line() noexcept {
    if (rest_.empty()) return false;
    ++line_number_;
    const auto end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    line_rest_ = line_;
    return true;
}

std::string_view TextFile::next_field() noexcept {
    const auto begin = line_rest_.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    const auto end = line_rest_.find_first_of(" \t", begin);
    const auto field = line_rest_.substr(begin, end - begin);
    line_rest_ = end == std::string_view::npos ? std::string_view{} : line_rest_.substr(end);
    return field;
}

void TextFile::refuse(const std::string& what) const {
    throw InputError(fmt::format("{}:{}: {}", file_.string(), line_number_, what));
}

std::string lower_case(std::string_view text) {
    std::string lower{text};
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

std::string upper_case(std::string_view text) {
    std::string upper{text};
    for (char& c : upper) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return upper;
}

std::string shown(std::string_view text) {
    constexpr std::size_t kMost = 40;
    return text.size() <= kMost ? std::string{text} : std::string{text.substr(0, kMost)} + "…";
}

}  // namespace sidetone::speech
