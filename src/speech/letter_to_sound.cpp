// SPDX-License-Identifier: Apache-2.0
#include "speech/letter_to_sound.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "speech/lexicon.hpp"
#include "speech/text_file.hpp"
#include "speech/weights_file.hpp"

namespace sidetone::speech {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{8} << 20;

/// How the letters are called.
constexpr std::array<std::string_view, 26> kNames = {"EY",
                                                     "B IY",
                                                     "S IY",
                                                     "D IY",
                                                     "IY",
                                                     "EH F",
                                                     "JH IY",
                                                     "EY CH",
                                                     "AY",
                                                     "JH EY",
                                                     "K EY",
                                                     "EH L",
                                                     "EH M",
                                                     "EH N",
                                                     "OW",
                                                     "P IY",
                                                     "K Y UW",
                                                     "AA R",
                                                     "EH S",
                                                     "T IY",
                                                     "Y UW",
                                                     "V IY",
                                                     "D AH B AH L Y UW",
                                                     "EH K S",
                                                     "W AY",
                                                     "Z IY"};

/// 1 to 26 for letters, 27 for the apostrophe; 0 stands for what is beyond the word.
std::vector<std::uint8_t> letters_of(std::string_view word) {
    std::vector<std::uint8_t> letters;
    for (const char c : lower_case(word)) {
        if (c >= 'a' && c <= 'z') letters.push_back(static_cast<std::uint8_t>(c - 'a' + 1));
        if (c == '\'') letters.push_back(27);
    }
    return letters;
}

bool is_written_vowel(std::uint8_t letter) {
    constexpr std::string_view kVowels = "aeiouy";
    return letter <= 26 && kVowels.find(static_cast<char>('a' + letter - 1)) != std::string_view::npos;
}

Pronunciation spell(const std::vector<std::uint8_t>& letters) {
    Pronunciation phones;
    for (const auto letter : letters) {
        if (letter > 26) continue;
        auto name = kNames[letter - 1U];
        while (!name.empty()) {
            const auto end = std::min(name.find(' '), name.size());
            phones.push_back(phone_named(name.substr(0, end)).value());
            name.remove_prefix(std::min(end + 1, name.size()));
        }
    }
    return phones;
}

}  // namespace

LetterToSound::LetterToSound(const std::filesystem::path& file) {
    WeightsFile weights{file, "S2P1", kMaxBytes};
    emissions_.resize(weights.next_16_bits());
    std::array<std::size_t, kLetters> counts{};
    for (auto& count : counts) count = weights.next_16_bits();
    for (auto& emission : emissions_) {
        for (auto& phone : emission) phone = weights.next_byte();
        if (emission[0] >= kPhoneClassCount || emission[1] >= kPhoneClassCount)
            weights.refuse(
                fmt::format("found phones {} and {}, expected at most {}", emission[0], emission[1], kPhoneCount));
    }
    for (std::size_t letter = 0; letter < trees_.size(); ++letter) {
        if (counts[letter] == 0) weights.refuse(fmt::format("found no tree for letter {}, expected one", letter + 1));
        auto& tree = trees_[letter];
        for (std::size_t n = 0; n < counts[letter]; ++n) {
            Node node{};
            for (auto* part : {&node.feature, &node.value, &node.yes, &node.no}) *part = weights.next_16_bits();
            const bool is_fine = node.feature == kLeaf ? node.yes < emissions_.size()
                                                       : node.feature < kFeatures && node.yes > n && node.no > n &&
                                                             node.yes < counts[letter] && node.no < counts[letter];
            if (!is_fine)
                weights.refuse(fmt::format("found a bad node {} of letter {}, expected a tree", n, letter + 1));
            tree.push_back(node);
        }
    }
    weights.expect_end();
}

std::uint16_t LetterToSound::emission_of(std::uint8_t letter, const Features& features) const noexcept {
    const auto& tree = trees_[letter - 1U];
    std::size_t at = 0;
    while (tree[at].feature != kLeaf) {
        at = features[tree[at].feature] == tree[at].value ? tree[at].yes : tree[at].no;
    }
    return tree[at].yes;
}

Pronunciation LetterToSound::pronounce(std::string_view word) const {
    if (word.size() > kMaxWordBytes) return {};
    const auto letters = letters_of(word);
    Pronunciation phones;
    if (std::none_of(letters.begin(), letters.end(), is_written_vowel)) {
        phones = spell(letters);
    } else {
        Features features{};
        const auto letter_at = [&](std::ptrdiff_t place) {
            const bool is_inside = place >= 0 && place < std::ssize(letters);
            return is_inside ? letters[static_cast<std::size_t>(place)] : std::uint8_t{0};
        };
        for (std::ptrdiff_t n = 0; n < std::ssize(letters); ++n) {
            for (std::size_t k = 0; k < kContext; ++k) {
                features[k] = letter_at(n + static_cast<std::ptrdiff_t>(k) - std::ptrdiff_t{kContext});
                features[kContext + k] = letter_at(n + 1 + static_cast<std::ptrdiff_t>(k));
            }
            const auto emission = emission_of(letter_at(n), features);
            features[kFeatures - 1] = features[kFeatures - 2];
            features[kFeatures - 2] = static_cast<std::uint16_t>(emission + 1);
            for (const auto phone : emissions_[emission]) {
                if (phone != kBlank) phones.push_back(phone);
            }
        }
    }
    return phones.size() > kMaxPhonesOfWord ? Pronunciation{} : phones;
}

std::filesystem::path default_letter_to_sound_file() {
    return find_weights("letter-to-sound", "letter-to-sound.bin");
}

}  // namespace sidetone::speech
