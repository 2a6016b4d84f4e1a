// SPDX-License-Identifier: Apache-2.0
#include "cli/word_errors.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "speech/prompt_text.hpp"
#include "speech/text_file.hpp"

namespace sidetone::cli {
namespace {

constexpr std::array kSmall{"zero",     "one",     "two",     "three",     "four",     "five",    "six",
                            "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
                            "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array kTens{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::size_t kMostDigits = 6;

void append_number(std::vector<std::string>& words, std::size_t number) {
    if (number >= 1000) {
        append_number(words, number / 1000);
        words.emplace_back("thousand");
        number %= 1000;
        if (number == 0) return;
    }
    if (number >= 100) {
        words.emplace_back(kSmall[number / 100]);
        words.emplace_back("hundred");
        number %= 100;
        if (number == 0) return;
    }
    if (number >= 20) {
        words.emplace_back(kTens[number / 10]);
        number %= 10;
        if (number == 0) return;
    }
    words.emplace_back(kSmall[number]);
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

void append_figures(std::vector<std::string>& words, std::string_view figures, bool digit_by_digit) {
    if (!digit_by_digit && figures.size() <= kMostDigits) return append_number(words, std::stoul(std::string{figures}));
    for (const char digit : figures) words.emplace_back(kSmall[static_cast<std::size_t>(digit - '0')]);
}

// A word may be letters, figures, or one behind the other; thousands may be set off by commas.
void append_word(std::vector<std::string>& words, std::string_view word, bool digit_by_digit) {
    std::string rest{word};
    std::erase(rest, ',');
    for (auto left = std::string_view{rest}; !left.empty();) {
        const bool has_digits = is_digit(left.front());
        const auto end = std::ranges::find_if(left, [&](char c) { return is_digit(c) != has_digits; });
        const auto part = left.substr(0, static_cast<std::size_t>(end - left.begin()));
        if (has_digits) {
            append_figures(words, part, digit_by_digit);
        } else {
            words.emplace_back(part);
        }
        left.remove_prefix(part.size());
    }
}

std::size_t distance(const std::vector<std::string>& said, const std::vector<std::string>& heard) {
    std::vector<std::size_t> row(heard.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < said.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < heard.size(); ++j) {
            const auto changed = diagonal + (said[i] == heard[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::vector<std::string> plain_words(std::string_view text, bool digit_by_digit) {
    std::vector<std::string> words;
    for (const auto& word : speech::words_of(text)) append_word(words, speech::lower_case(word), digit_by_digit);
    return words;
}

WordErrors word_errors(std::string_view said, std::string_view heard) {
    const auto words = plain_words(said, false);
    return {.errors = std::min(distance(words, plain_words(heard, false)), distance(words, plain_words(heard, true))),
            .words = words.size()};
}

}  // namespace sidetone::cli
