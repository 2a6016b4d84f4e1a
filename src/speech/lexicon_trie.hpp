// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rt/realtime.hpp"
#include "speech/phones.hpp"
#include "speech/prompt.hpp"

namespace sidetone::speech {

/// The most that a word counts for, as a natural logarithm, whatever settings and files add up to: sums of hypotheses
/// stay within their range.
inline constexpr float kMostLogScore = 60;

/// A word that may be said: in which ways, and what a language model knows of it.
struct SpokenWord {
    std::string text;
    std::vector<Pronunciation> pronunciations;  ///< at least one, none of them empty
    std::uint32_t language_word = 0;            ///< its number in the language model
    float log_score = 0;  ///< natural logarithm of what it counts for before its neighbours are known
};

/// Words as they sound: a node for each beginning of a pronunciation, so that words share what they begin with. Nodes
/// lie in flat arrays, the children of one side by side.
///
/// Built on the control thread; any threads may walk it.
class LexiconTrie {
public:
    using Index = std::uint32_t;
    static constexpr Index kRoot = 0;
    static constexpr Index kNone = std::numeric_limits<Index>::max();

    /// Throws InputError: no word, a word without pronunciation, a pronunciation with what is no phone.
    explicit LexiconTrie(std::span<const SpokenWord> words);

    [[nodiscard]] Index child(Index node, Phone phone) const noexcept SIDETONE_REALTIME {
        const auto bit = std::uint64_t{1} << phone;
        const auto& at = nodes_[node];
        if ((at.children & bit) == 0) return kNone;
        return at.first_child + static_cast<Index>(std::popcount(at.children & (bit - 1)));
    }
    [[nodiscard]] bool has_children(Index node) const noexcept { return nodes_[node].children != 0; }
    /// Words that end here, those that count for most first: indices of the span that the trie was made of.
    [[nodiscard]] std::span<const std::uint32_t> words_at(Index node) const noexcept {
        return std::span{endings_}.subspan(nodes_[node].first_ending, nodes_[node].ending_count);
    }
    /// The most that a word with this beginning may count for, as a factor; 1 at the root.
    [[nodiscard]] double look_ahead(Index node) const noexcept { return static_cast<double>(nodes_[node].look_ahead); }

    [[nodiscard]] std::size_t node_count() const noexcept { return nodes_.size(); }
    [[nodiscard]] std::size_t word_count() const noexcept { return words_.size(); }
    [[nodiscard]] std::string_view text(std::uint32_t word) const noexcept {
        return std::string_view{letters_}.substr(words_[word].first_letter, words_[word].letter_count);
    }
    [[nodiscard]] std::uint32_t language_word(std::uint32_t word) const noexcept { return words_[word].language_word; }
    [[nodiscard]] std::size_t bytes() const noexcept;

private:
    struct Node {
        std::uint64_t children = 0;  // a bit for each phone
        Index first_child = 0, first_ending = 0;
        std::uint32_t ending_count = 0;
        float look_ahead = 0;
    };
    struct Word {
        std::uint32_t first_letter = 0, letter_count = 0, language_word = 0;
    };
    struct Spelling;

    void keep(std::span<const SpokenWord> words);
    void grow(std::span<const Spelling> sorted);
    void look_ahead_from(std::span<const SpokenWord> words);

    std::vector<Node> nodes_;
    std::vector<std::uint32_t> endings_;
    std::vector<Word> words_;
    std::string letters_;
};

}  // namespace sidetone::speech
