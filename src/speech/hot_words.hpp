// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "rt/realtime.hpp"
#include "speech/lexicon_trie.hpp"

namespace sidetone::speech {

/// Words and phrases that are more likely here than a language model knows: names, commands. Each adds its boost to a
/// hypothesis in which it is said; of one that is under way the part that is said counts, and is given back when it
/// breaks off. Phrases are found wherever they lie, also within others (Aho and Corasick, 1975).
///
/// Built on the control thread; any threads may ask. A question takes, for each word of the longest phrase, a search by
/// halves.
class HotWords {
public:
    using State = std::uint32_t;  ///< how far phrases are under way; 0 at the start
    static constexpr float kUsualBoost = 4;
    static constexpr float kMostBoost = 50;
    static constexpr std::size_t kMostWords = 16;  ///< of a phrase

    struct Phrase {
        std::vector<std::uint32_t> words;  ///< numbers in the vocabulary
        float boost = kUsualBoost;         ///< a natural logarithm
    };

    explicit HotWords(std::span<const Phrase> phrases);

    /// A phrase a line, of words of `vocabulary`, and perhaps ":3.5" for its boost; "#" begins a comment. Throws
    /// InputError: file, line, what was found, what was expected.
    [[nodiscard]] static HotWords read(const std::filesystem::path& file, const LexiconTrie& vocabulary);

    /// What `word` adds after `state`, which may be below 0, and the state after it.
    float score(State state, std::uint32_t word, State& next) const noexcept SIDETONE_REALTIME;
    /// What has been added for phrases that are not over, and has to be given back at the end.
    [[nodiscard]] float pending(State state) const noexcept { return nodes_[state].pending; }
    /// No word adds more.
    [[nodiscard]] float most() const noexcept;

private:
    struct Node {
        std::uint32_t first_child = 0, child_count = 0;
        State fallback = 0;  // the longest other beginning of a phrase that ends what is said
        float pending = 0;
        float said = 0;  // boosts of the phrases that end here
    };
    struct Child {
        std::uint32_t word;
        State node;
    };
    class Builder;

    [[nodiscard]] State child(State state, std::uint32_t word) const noexcept;
    [[nodiscard]] State after(State state, std::uint32_t word) const noexcept;

    std::vector<Node> nodes_;
    std::vector<Child> children_;  // of all nodes, in order of words
};

}  // namespace sidetone::speech
