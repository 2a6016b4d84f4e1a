// SPDX-License-Identifier: Apache-2.0
#include "speech/word_history.hpp"

namespace sidetone::speech {

// A path for each user, the root, and a new node for each before old ones are let go.
WordHistory::WordHistory(std::size_t users, std::size_t longest_doubt, std::size_t kept_words)
    : nodes_(users * (longest_doubt + 2) + 2), free_(nodes_.size()), ring_(kept_words) {
    reset(0);
}

void WordHistory::reset(std::uint32_t state) noexcept {
    free_count_ = 0;
    for (std::size_t n = nodes_.size(); n > 1; --n) free_[free_count_++] = static_cast<Index>(n - 1);
    root_ = 0;
    nodes_[root_] = Node{};
    nodes_[root_].state = state;
    nodes_[root_].users = 1;
    settled_ = 0;
}

WordHistory::Index WordHistory::find(Index parent, std::uint32_t word) const noexcept {
    Index child = nodes_[parent].first_child;
    while (child != kNone && nodes_[child].word != word) child = nodes_[child].next;
    return child;
}

WordHistory::Index WordHistory::add(Index parent, std::uint32_t word, double factor, std::uint32_t state,
                                    std::uint32_t hot) noexcept {
    const Index made = free_[--free_count_];
    auto& above = nodes_[parent];
    auto& node = nodes_[made];
    node = Node{};
    node.parent = parent;
    node.next = above.first_child;
    node.word = word;
    node.state = state;
    node.hot = hot;
    node.length = above.length + 1;
    node.factor = factor;
    if (node.next != kNone) nodes_[node.next].previous = made;
    above.first_child = made;
    return made;
}

void WordHistory::let_go(Index index) noexcept {
    --nodes_[index].users;
    while (index != root_ && nodes_[index].users == 0 && nodes_[index].first_child == kNone) {
        const auto& node = nodes_[index];
        if (node.previous == kNone) {
            nodes_[node.parent].first_child = node.next;
        } else {
            nodes_[node.previous].next = node.next;
        }
        if (node.next != kNone) nodes_[node.next].previous = node.previous;
        free_[free_count_++] = index;
        index = node.parent;
    }
}

WordHistory::Index WordHistory::ancestor(Index node, std::uint64_t length) const noexcept {
    while (nodes_[node].length > length) node = nodes_[node].parent;
    return node;
}

WordHistory::Index WordHistory::common() const noexcept {
    Index to = root_;
    while (nodes_[to].users == 0 && nodes_[nodes_[to].first_child].next == kNone) to = nodes_[to].first_child;
    return to;
}

void WordHistory::settle(Index node, std::span<const Settled> words) noexcept {
    for (const auto& word : words) ring_[settled_++ % ring_.size()] = word;
    for (Index above = nodes_[node].parent; above != kNone; above = nodes_[above].parent) free_[free_count_++] = above;
    root_ = node;
    nodes_[root_].parent = nodes_[root_].next = nodes_[root_].previous = kNone;
}

}  // namespace sidetone::speech
