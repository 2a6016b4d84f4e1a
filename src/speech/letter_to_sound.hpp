// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "speech/prompt.hpp"

namespace sidetone::speech {

/// How an English word that no lexicon has is probably said: for each letter a tree of questions about the four letters
/// on either side and what the two before it became (Black, Lenzo, Pagel, ESCA workshop on speech synthesis, 1998).
/// tools/train/letter_to_sound learns the trees.
///
/// Built on the control thread; any thread may ask.
class LetterToSound {
public:
    /// Throws InputError where `file` is no such forest.
    explicit LetterToSound(const std::filesystem::path& file);

    /// Letters of ASCII in either case and apostrophes are spoken, whatever else is there is passed over; a word
    /// without vowels is spelt ("html"). Empty where nothing is left, and beyond kMaxWordBytes or kMaxPhonesOfWord.
    [[nodiscard]] Pronunciation pronounce(std::string_view word) const;

private:
    static constexpr int kLetters = 27;  // and the apostrophe
    static constexpr std::size_t kContext = 4;
    static constexpr std::size_t kFeatures = 2 * kContext + 2;
    static constexpr std::uint16_t kLeaf = 0xFFFF;

    struct Node {
        std::uint16_t feature, value;
        std::uint16_t yes;  // in a leaf: the emission
        std::uint16_t no;
    };
    using Features = std::array<std::uint16_t, kFeatures>;
    using Emission = std::array<Phone, 2>;  // the blank where there is none

    [[nodiscard]] std::uint16_t emission_of(std::uint8_t letter, const Features& features) const noexcept;

    std::vector<Emission> emissions_;
    std::array<std::vector<Node>, kLetters> trees_;  // children come after their parents
};

/// Sidetone's own trees. Throws InputError where they are not installed.
[[nodiscard]] std::filesystem::path default_letter_to_sound_file();

}  // namespace sidetone::speech
