// SPDX-License-Identifier: Apache-2.0
#include "speech/arpa_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <numbers>
#include <system_error>

namespace sidetone::speech {
namespace {

constexpr double kLeast = -1000;  // to the base of ten; -99 is what files have for "never"

}  // namespace

ArpaFile::ArpaFile(const std::filesystem::path& file, std::size_t max_bytes) : text_(file, max_bytes) {
    while (find_line() && text_.line() != "\\data\\") {
    }
    while (find_line() && text_.line().starts_with("ngram ")) {
    }
    if (text_.line() != "\\1-grams:")
        text_.refuse(fmt::format("found \"{}\", expected \"\\1-grams:\"", shown(text_.line())));
    order_ = 1;
}

bool ArpaFile::find_line() {
    while (text_.next_line()) {
        if (text_.line().find_first_not_of(" \t") != std::string_view::npos) return true;
    }
    return false;
}

// Into the next section where this one is over; false at the end.
bool ArpaFile::find_entry() {
    for (;;) {
        if (!find_line()) {
            text_.refuse(fmt::format("found the file's end, expected \"\\{}-grams:\" or \"\\end\\\"", order_ + 1));
        }
        if (!text_.line().starts_with('\\')) return true;
        if (text_.line() == "\\end\\") return false;
        begin_section();
    }
}

void ArpaFile::begin_section() {
    if (text_.line() != fmt::format("\\{}-grams:", order_ + 1)) {
        text_.refuse(
            fmt::format("found \"{}\", expected \"\\{}-grams:\" or \"\\end\\\"", shown(text_.line()), order_ + 1));
    }
    if (order_ == kMostOrder)
        text_.refuse(fmt::format("found n-grams of {} words, expected {} at most", order_ + 1, kMostOrder));
    ++order_;
}

bool ArpaFile::next(NGram& found) {
    if (!find_entry()) return false;
    found.ln_probability = logarithm(text_.next_field(), 0);
    for (std::size_t n = 0; n < order_; ++n) {
        words_[n] = text_.next_field();
        if (words_[n].empty()) text_.refuse(fmt::format("found {} words, expected {}", n, order_));
    }
    found.words = std::span{words_}.first(order_);
    const auto back_off = text_.next_field();
    found.ln_back_off = back_off.empty() ? 0 : logarithm(back_off, 100);
    if (!text_.next_field().empty()) text_.refuse("found another field, expected the line's end");
    return true;
}

double ArpaFile::logarithm(std::string_view field, double most) const {
    double value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size() || !(value >= kLeast && value <= most)) {
        text_.refuse(fmt::format("found \"{}\", expected a logarithm to the base of ten, {:g} to {:g}", shown(field),
                                 kLeast, most));
    }
    return value * std::numbers::ln10;
}

}  // namespace sidetone::speech
