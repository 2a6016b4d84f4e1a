// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::speech {

/// Where a word lies on a path, and how sure the network is of its phones.
struct WordTime {
    std::int64_t first_frame = 0, last_frame = -1;
    float confidence = 0;  ///< geometric mean of the phones' largest posteriors, 0 to 1
};

/// The words that the hypotheses of a search have behind them, as a trie in a pool: equal words in a row are one node.
/// What all hypotheses begin with moves into a ring of the latest settled words, so that memory never grows.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class WordHistory {
public:
    using Index = std::uint32_t;
    static constexpr Index kNone = std::numeric_limits<Index>::max();

    struct Settled {
        std::uint32_t word = 0;
        WordTime time;
    };

    /// For up to `users` hypotheses that differ over up to `longest_doubt` words.
    WordHistory(std::size_t users, std::size_t longest_doubt, std::size_t kept_words);

    /// One user, without words.
    void reset(std::uint32_t state) noexcept SIDETONE_REALTIME;

    [[nodiscard]] Index root() const noexcept { return root_; }
    /// The node behind `parent` for `word`, or kNone.
    [[nodiscard]] Index find(Index parent, std::uint32_t word) const noexcept;
    /// Makes one; there is none yet.
    [[nodiscard]] Index add(Index parent, std::uint32_t word, double factor, std::uint32_t state,
                            std::uint32_t hot) noexcept;

    void hold(Index node) noexcept { ++nodes_[node].users; }
    /// Nodes that nobody needs any more are free.
    void let_go(Index node) noexcept;

    [[nodiscard]] std::uint32_t word(Index node) const noexcept { return nodes_[node].word; }
    /// Of the language model, behind these words.
    [[nodiscard]] std::uint32_t state(Index node) const noexcept { return nodes_[node].state; }
    /// Of the hot words, behind these words.
    [[nodiscard]] std::uint32_t hot(Index node) const noexcept { return nodes_[node].hot; }
    /// What the last of these words counts for.
    [[nodiscard]] double factor(Index node) const noexcept { return nodes_[node].factor; }
    /// kNone for the root.
    [[nodiscard]] Index parent(Index node) const noexcept { return nodes_[node].parent; }
    /// Words since the start.
    [[nodiscard]] std::uint64_t length(Index node) const noexcept { return nodes_[node].length; }
    /// When the word before the last one was said, as far as this node's users know.
    [[nodiscard]] const WordTime& before(Index node) const noexcept { return nodes_[node].before; }
    void set_before(Index node, const WordTime& time) noexcept { nodes_[node].before = time; }
    /// The node above `node`, or itself, that has `length` words.
    [[nodiscard]] Index ancestor(Index node, std::uint64_t length) const noexcept;

    /// The node with the most words that all users begin with.
    [[nodiscard]] Index common() const noexcept;
    /// It is the root from now on; the words up to it, `times` of them, are settled.
    void settle(Index node, std::span<const Settled> words) noexcept;
    [[nodiscard]] std::uint64_t settled() const noexcept { return settled_; }
    [[nodiscard]] std::uint64_t first_kept() const noexcept {
        return settled_ > ring_.size() ? settled_ - ring_.size() : 0;
    }
    [[nodiscard]] const Settled& settled_word(std::uint64_t number) const noexcept {
        return ring_[number % ring_.size()];
    }

    [[nodiscard]] std::size_t used_nodes() const noexcept { return nodes_.size() - free_count_; }

private:
    struct Node {
        Index parent = kNone, first_child = kNone, next = kNone, previous = kNone;
        std::uint32_t word = 0, state = 0, hot = 0, users = 0;
        std::uint64_t length = 0;
        double factor = 1;
        WordTime before;
    };

    std::vector<Node> nodes_;
    std::vector<Index> free_;
    std::vector<Settled> ring_;
    std::size_t free_count_ = 0;
    std::uint64_t settled_ = 0;
    Index root_ = 0;
};

}  // namespace sidetone::speech
