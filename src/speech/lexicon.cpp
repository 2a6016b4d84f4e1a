// SPDX-License-Identifier: Apache-2.0
#include "speech/lexicon.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "rt/error.hpp"
#include "speech/text_file.hpp"

namespace sidetone::speech {
namespace {

constexpr auto kSystemFile = "/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict";

/// "word" of "WORD(2)".
std::string_view without_number(std::string_view word) {
    if (word.size() < 4 || word.back() != ')') return word;
    const auto open = word.rfind('(');
    if (open == std::string_view::npos || open == 0) return word;
    const auto number = word.substr(open + 1, word.size() - open - 2);
    const bool is_number =
        !number.empty() && std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    return is_number ? word.substr(0, open) : word;
}

std::string complaint_about(std::string_view word, std::size_t phone_count) {
    if (word.empty()) return "found no word, expected one";
    if (word.size() > kMaxWordBytes) {
        return fmt::format("found a word of {} bytes, expected at most {}", word.size(), kMaxWordBytes);
    }
    if (phone_count == 0) return fmt::format("found \"{}\" without phones, expected \"WORD PH PH …\"", word);
    if (phone_count > kMaxPhonesOfWord) {
        return fmt::format("found {} phones in \"{}\", expected at most {}", phone_count, word, kMaxPhonesOfWord);
    }
    return {};
}

}  // namespace

Lexicon Lexicon::read(const std::filesystem::path& file) {
    Lexicon lexicon;
    TextFile text{file, kMaxLexiconBytes};
    std::vector<Phone> phones;
    std::string word;
    while (text.next_line()) {
        if (text.line().starts_with(";;;")) continue;
        const auto first = text.next_field();
        if (first.empty()) continue;
        word = lower_case(without_number(first));
        phones.clear();
        for (auto name = text.next_field(); !name.empty() && name.front() != '#'; name = text.next_field()) {
            const auto phone = phone_named(upper_case(name));
            if (!phone) text.refuse(fmt::format("found \"{}\", expected one of ARPAbet's 39 phones", shown(name)));
            phones.push_back(*phone);
        }
        if (const auto wrong = complaint_about(word, phones.size()); !wrong.empty()) text.refuse(wrong);
        lexicon.append(word, phones);
    }
    if (lexicon.words_.empty())
        throw InputError(fmt::format("{}: found no word, expected \"WORD PH PH …\"", file.string()));
    lexicon.sort();
    return lexicon;
}

void Lexicon::add(std::string_view word, std::span<const Phone> phones) {
    if (const auto wrong = complaint_about(word, phones.size()); !wrong.empty()) throw InputError("lexicon: " + wrong);
    for (const Phone phone : phones) {
        if (phone == kBlank || phone >= kPhoneClassCount) {
            throw InputError(
                fmt::format("lexicon: \"{}\": found phone {}, expected 1 to {}", word, phone, kPhoneCount));
        }
    }
    const auto lower = lower_case(word);
    const auto index = position_of(lower);
    const bool is_known = is_at(index, lower);
    if (is_known && has(words_[index], phones)) return;
    append(lower, phones);
    if (!is_known) {
        std::rotate(words_.begin() + static_cast<std::ptrdiff_t>(index), std::prev(words_.end()), words_.end());
        return;
    }
    const auto added = words_.back().first;
    words_.pop_back();
    pronunciations_[words_[index].last].next = added;
    words_[index].last = added;
}

std::vector<std::span<const Phone>> Lexicon::find(std::string_view word) const {
    const auto lower = lower_case(word);
    const auto index = position_of(lower);
    return is_at(index, lower) ? pronunciations(index) : std::vector<std::span<const Phone>>{};
}

std::string_view Lexicon::word(std::size_t index) const noexcept {
    return std::string_view{letters_}.substr(words_[index].first_letter, words_[index].letter_count);
}

std::vector<std::span<const Phone>> Lexicon::pronunciations(std::size_t index) const {
    std::vector<std::span<const Phone>> found;
    for (auto at = words_[index].first; at != kNone; at = pronunciations_[at].next) {
        found.push_back(phones_of(pronunciations_[at]));
    }
    return found;
}

std::size_t Lexicon::position_of(std::string_view lower_case_word) const noexcept {
    std::size_t low = 0;
    std::size_t high = words_.size();
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        if (word(middle) < lower_case_word) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool Lexicon::is_at(std::size_t index, std::string_view lower_case_word) const noexcept {
    return index < words_.size() && word(index) == lower_case_word;
}

bool Lexicon::has(const Word& word, std::span<const Phone> phones) const noexcept {
    for (auto at = word.first; at != kNone; at = pronunciations_[at].next) {
        const auto known = phones_of(pronunciations_[at]);
        if (std::equal(known.begin(), known.end(), phones.begin(), phones.end())) return true;
    }
    return false;
}

std::span<const Phone> Lexicon::phones_of(const Pronunciation& pronunciation) const noexcept {
    return std::span{phones_}.subspan(pronunciation.first_phone, pronunciation.phone_count);
}

/// As a word of its own behind the others, whether or not it is among them.
void Lexicon::append(std::string_view lower_case_word, std::span<const Phone> phones) {
    const auto pronunciation = static_cast<std::uint32_t>(pronunciations_.size());
    words_.push_back({static_cast<std::uint32_t>(letters_.size()), static_cast<std::uint32_t>(lower_case_word.size()),
                      pronunciation, pronunciation});
    letters_ += lower_case_word;
    pronunciations_.push_back(
        {static_cast<std::uint32_t>(phones_.size()), static_cast<std::uint32_t>(phones.size()), kNone});
    phones_.insert(phones_.end(), phones.begin(), phones.end());
}

/// Puts words into order, and all pronunciations of one together; those that differ in stress alone become one.
void Lexicon::sort() {
    std::vector<Word> all;
    all.swap(words_);
    std::stable_sort(all.begin(), all.end(), [this](const Word& a, const Word& b) {
        const std::string_view letters{letters_};
        return letters.substr(a.first_letter, a.letter_count) < letters.substr(b.first_letter, b.letter_count);
    });
    std::vector<Pronunciation> pronunciations;
    pronunciations.swap(pronunciations_);
    for (const auto& one : all) {
        const auto letters = std::string_view{letters_}.substr(one.first_letter, one.letter_count);
        const bool is_known = !words_.empty() && word(words_.size() - 1) == letters;
        const auto& pronunciation = pronunciations[one.first];
        if (is_known && has(words_.back(), phones_of(pronunciation))) continue;
        const auto at = static_cast<std::uint32_t>(pronunciations_.size());
        pronunciations_.push_back({pronunciation.first_phone, pronunciation.phone_count, kNone});
        if (is_known) {
            pronunciations_[words_.back().last].next = at;
            words_.back().last = at;
        } else {
            words_.push_back({one.first_letter, one.letter_count, at, at});
        }
    }
}

std::filesystem::path default_lexicon_file() {
    std::error_code ignored;
    if (const char* file = std::getenv("SIDETONE_LEXICON"); file != nullptr && *file != '\0') return file;
    return std::filesystem::is_regular_file(kSystemFile, ignored) ? std::filesystem::path{kSystemFile}
                                                                  : std::filesystem::path{};
}

}  // namespace sidetone::speech
