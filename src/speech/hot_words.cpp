// SPDX-License-Identifier: Apache-2.0
#include "speech/hot_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "rt/error.hpp"
#include "speech/text_file.hpp"

namespace sidetone::speech {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

float boost_of(std::string_view field, const TextFile& text) {
    float value = 0;
    field.remove_prefix(1);
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc{} || end != field.data() + field.size() || !(value > 0 && value <= HotWords::kMostBoost)) {
        text.refuse(
            fmt::format("found \":{}\", expected a boost above 0, {} at most", shown(field), HotWords::kMostBoost));
    }
    return value;
}

}  // namespace

/// A trie of the phrases, then their fallbacks, level by level: a node's is made from its parent's.
class HotWords::Builder {
public:
    explicit Builder(std::span<const Phrase> phrases) {
        for (const auto& phrase : phrases) add(phrase);
    }

    void lay_out(HotWords& made) const {
        std::vector<std::pair<State, State>> parents{{0, 0}};  // of each node, and its number in the trie
        made.nodes_.push_back(trie_[0].node);
        for (State node = 0; node < parents.size(); ++node) {
            const auto number = parents[node].second;
            made.nodes_[node].first_child = static_cast<std::uint32_t>(made.children_.size());
            made.nodes_[node].child_count = static_cast<std::uint32_t>(trie_[number].children.size());
            for (const auto& [word, below] : trie_[number].children) {
                auto child = trie_[below].node;
                child.fallback = node == 0 ? 0 : made.after(made.nodes_[node].fallback, word);
                child.said += node == 0 ? 0 : made.nodes_[child.fallback].said;
                made.children_.push_back({word, static_cast<State>(made.nodes_.size())});
                made.nodes_.push_back(child);
                parents.emplace_back(node, below);
            }
        }
    }

private:
    struct Grown {
        std::map<std::uint32_t, State> children;
        Node node;
    };

    void add(const Phrase& phrase) {
        State at = 0;
        for (std::size_t n = 0; n < phrase.words.size(); ++n) {
            const auto [child, is_new] =
                trie_[at].children.try_emplace(phrase.words[n], static_cast<State>(trie_.size()));
            at = child->second;
            if (is_new) trie_.emplace_back();
            const float share = static_cast<float>(n + 1) / static_cast<float>(phrase.words.size());
            if (n + 1 < phrase.words.size()) {
                trie_[at].node.pending = std::max(trie_[at].node.pending, phrase.boost * share);
            } else {
                trie_[at].node.said += phrase.boost;
            }
        }
    }

    std::vector<Grown> trie_{1};
};

HotWords::HotWords(std::span<const Phrase> phrases) {
    Builder{phrases}.lay_out(*this);
}

HotWords HotWords::read(const std::filesystem::path& file, const LexiconTrie& vocabulary) {
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    for (std::uint32_t n = 0; n < vocabulary.word_count(); ++n) numbers.emplace(vocabulary.text(n), n);
    std::vector<Phrase> phrases;
    TextFile text{file, kMostBytes};
    while (text.next_line()) {
        Phrase phrase;
        for (auto field = text.next_field(); !field.empty() && field.front() != '#'; field = text.next_field()) {
            if (field.front() == ':') {
                phrase.boost = boost_of(field, text);
                continue;
            }
            const auto found = numbers.find(lower_case(field));
            if (found == numbers.end())
                text.refuse(fmt::format("found \"{}\", expected words that may be said", shown(field)));
            phrase.words.push_back(found->second);
        }
        if (phrase.words.size() > kMostWords)
            text.refuse(fmt::format("found {} words, expected {} at most", phrase.words.size(), kMostWords));
        if (!phrase.words.empty()) phrases.push_back(std::move(phrase));
    }
    if (phrases.empty()) throw InputError(fmt::format("{}: found no phrase, expected one a line", file.string()));
    return HotWords{phrases};
}

HotWords::State HotWords::child(State state, std::uint32_t word) const noexcept {
    const auto* const first = children_.data() + nodes_[state].first_child;
    const auto* const end = first + nodes_[state].child_count;
    const auto* const found = std::lower_bound(
        first, end, word, [](const Child& child, std::uint32_t wanted) { return child.word < wanted; });
    return found != end && found->word == word ? found->node : 0;
}

// No phrase's child is the start, so 0 is none.
HotWords::State HotWords::after(State state, std::uint32_t word) const noexcept {
    for (;;) {
        if (const auto found = child(state, word); found != 0) return found;
        if (state == 0) return 0;
        state = nodes_[state].fallback;
    }
}

float HotWords::most() const noexcept {
    float most = 0;
    for (const auto& node : nodes_) most = std::max(most, node.pending + node.said);
    return most;
}

float HotWords::score(State state, std::uint32_t word, State& next) const noexcept {
    next = after(state, word);
    return nodes_[next].pending - nodes_[state].pending + nodes_[next].said;
}

}  // namespace sidetone::speech
