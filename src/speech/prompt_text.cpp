// SPDX-License-Identifier: Apache-2.0
#include "speech/prompt_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sidetone::speech {
namespace {

// What typography writes in place of ASCII, as UTF-8.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kPlain{{
    {"\u2018", "'"},
    {"\u2019", "'"},
    {"\u201C", " "},
    {"\u201D", " "},
    {"\u2010", " "},
    {"\u2013", " "},
    {"\u2014", " "},
    {"\u2026", " "},
    {"\u00A0", " "},
}};

std::string plain(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const auto* const found =
            std::ranges::find_if(kPlain, [&](const auto& pair) { return text.starts_with(pair.first); });
        const bool is_special = found != kPlain.end();
        result += is_special ? found->second : text.substr(0, 1);
        text.remove_prefix(is_special ? found->first.size() : 1);
    }
    return result;
}

bool separates(char c) noexcept {
    return static_cast<unsigned char>(c) <= ' ' || c == '-';
}

// Whatever is not ASCII may be part of a letter.
bool is_of_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}

std::string_view without_punctuation(std::string_view piece) {
    while (!piece.empty() && !is_of_word(piece.front()) && piece.front() != '\'') piece.remove_prefix(1);
    while (!piece.empty() && !is_of_word(piece.back()) && piece.back() != '\'') piece.remove_suffix(1);
    return std::ranges::any_of(piece, is_of_word) ? piece : std::string_view{};
}

// "'tis" and "dogs'" are words with an apostrophe, "'yes'" is a word in quotes.
std::string_view without_quotes(std::string_view word, const Lexicon& lexicon) {
    while (!word.empty() && lexicon.find(word).empty() && (word.front() == '\'' || word.back() == '\'')) {
        if (word.back() == '\'') {
            word.remove_suffix(1);
        } else {
            word.remove_prefix(1);
        }
    }
    return word;
}

// Rules pass over what is no letter of English: a number, or a letter with an accent, would go unsaid.
bool is_of_letters(std::string_view word) noexcept {
    return std::ranges::all_of(word,
                               [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\''; });
}

void note(std::string_view word, std::vector<std::string>& once_each) {
    if (std::ranges::find(once_each, word) == once_each.end()) once_each.emplace_back(word);
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
    const auto letters = plain(text);
    std::vector<std::string> words;
    for (auto from = letters.begin(); from != letters.end();) {
        const auto begin = std::find_if_not(from, letters.end(), separates);
        from = std::find_if(begin, letters.end(), separates);
        const auto word = without_punctuation({begin, from});
        if (!word.empty()) words.emplace_back(word);
    }
    return words;
}

PromptText prompt_of(std::string_view text, const Lexicon& lexicon, const LetterToSound* rules) {
    PromptText result;
    for (const auto& written : words_of(text)) {
        const auto word = without_quotes(written, lexicon);
        PromptWord found{.text = std::string{word}, .pronunciations = {}};
        for (const auto phones : lexicon.find(word)) {
            found.pronunciations.emplace_back(phones.begin(), phones.end());
        }
        if (found.pronunciations.empty()) {
            const bool is_said = rules != nullptr && is_of_letters(word);
            auto guess = is_said ? rules->pronounce(word) : Pronunciation{};
            note(word, guess.empty() ? result.unknown : result.guessed);
            if (guess.empty()) continue;
            found.pronunciations.push_back(std::move(guess));
        }
        result.prompt.push_back(std::move(found));
    }
    return result;
}

}  // namespace sidetone::speech
