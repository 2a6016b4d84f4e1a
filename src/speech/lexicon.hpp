// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "speech/phones.hpp"

namespace sidetone::speech {

/// What a lexicon may hold; a file beyond it is refused. The English dictionary of Carnegie Mellon University has
/// 126 000 words, 135 000 pronunciations and 3.3 MB.
inline constexpr std::size_t kMaxLexiconBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxWordBytes = 64;
inline constexpr std::size_t kMaxPhonesOfWord = 64;

/// Words and how they are spoken, each in one or several ways. Words are compared without regard to case (of ASCII
/// letters) and are kept in lower case.
///
/// Control thread only; once filled, any thread may look words up.
class Lexicon {
public:
    Lexicon() = default;

    /// Reads lines of the form "WORD PH PH …", as the CMU dictionary has them: a further pronunciation stands on a line
    /// of its own as WORD again or WORD(2), vowels may carry a digit of stress (it is dropped), ";;;" begins a line
    /// of comment and " #" a comment behind a pronunciation. Blanks or tabs separate.
    /// Throws InputError: file, line, what was found, what was expected.
    [[nodiscard]] static Lexicon read(const std::filesystem::path& file);

    /// One more pronunciation of `word`, unless it is known. Throws InputError where the word or the pronunciation is
    /// empty or longer than the limits above, or has a phone that is none. Invalidates spans handed out before.
    void add(std::string_view word, std::span<const Phone> phones);

    /// All pronunciations of `word`, in the order in which they were added; none where it is unknown. The spans stay
    /// valid until something is added.
    [[nodiscard]] std::vector<std::span<const Phone>> find(std::string_view word) const;

    /// Words in alphabetical order; `index` below word_count().
    [[nodiscard]] std::size_t word_count() const noexcept { return words_.size(); }
    [[nodiscard]] std::string_view word(std::size_t index) const noexcept;
    [[nodiscard]] std::vector<std::span<const Phone>> pronunciations(std::size_t index) const;

    [[nodiscard]] std::size_t pronunciation_count() const noexcept { return pronunciations_.size(); }

private:
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    struct Pronunciation {
        std::uint32_t first_phone, phone_count;
        std::uint32_t next;  // pronunciation of the same word, or kNone
    };
    struct Word {
        std::uint32_t first_letter, letter_count;
        std::uint32_t first, last;  // pronunciations
    };

    [[nodiscard]] std::size_t position_of(std::string_view lower_case_word) const noexcept;
    [[nodiscard]] bool is_at(std::size_t index, std::string_view lower_case_word) const noexcept;
    [[nodiscard]] bool has(const Word& word, std::span<const Phone> phones) const noexcept;
    [[nodiscard]] std::span<const Phone> phones_of(const Pronunciation& pronunciation) const noexcept;
    void append(std::string_view lower_case_word, std::span<const Phone> phones);
    void sort();

    std::string letters_;        // of all words
    std::vector<Phone> phones_;  // of all pronunciations
    std::vector<Pronunciation> pronunciations_;
    std::vector<Word> words_;  // in alphabetical order
};

/// Where Debian's package pocketsphinx-en-us puts the CMU dictionary; the environment variable SIDETONE_LEXICON comes
/// first. Empty where neither is a file.
[[nodiscard]] std::filesystem::path default_lexicon_file();

}  // namespace sidetone::speech
