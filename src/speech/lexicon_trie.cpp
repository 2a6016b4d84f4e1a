// SPDX-License-Identifier: Apache-2.0
#include "speech/lexicon_trie.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "rt/error.hpp"

namespace sidetone::speech {
namespace {

constexpr float kLeastLogScore = -80;  // single precision has it still

bool is_phone(Phone phone) {
    return phone != kBlank && phone < kPhoneClassCount;
}

}  // namespace

struct LexiconTrie::Spelling {
    std::span<const Phone> phones;
    std::uint32_t word;
    float log_score;
};

LexiconTrie::LexiconTrie(std::span<const SpokenWord> words) {
    if (words.empty()) throw InputError("the vocabulary: found no words, expected at least one");
    keep(words);
    std::vector<Spelling> spellings;
    for (std::uint32_t index = 0; index < words.size(); ++index) {
        const auto& word = words[index];
        if (word.pronunciations.empty())
            throw InputError(fmt::format("the vocabulary: word \"{}\" has no pronunciation", word.text));
        for (const auto& phones : word.pronunciations) {
            if (phones.empty() || !std::ranges::all_of(phones, is_phone))
                throw InputError(
                    fmt::format("the vocabulary: word \"{}\" has a pronunciation that is none", word.text));
            spellings.push_back({phones, index, word.log_score});
        }
    }
    std::sort(spellings.begin(), spellings.end(), [](const Spelling& a, const Spelling& b) {
        if (!std::ranges::equal(a.phones, b.phones)) return std::ranges::lexicographical_compare(a.phones, b.phones);
        return a.log_score != b.log_score ? a.log_score > b.log_score : a.word < b.word;
    });
    grow(spellings);
    look_ahead_from(words);
}

void LexiconTrie::keep(std::span<const SpokenWord> words) {
    words_.reserve(words.size());
    for (const auto& word : words) {
        words_.push_back({static_cast<std::uint32_t>(letters_.size()), static_cast<std::uint32_t>(word.text.size()),
                          word.language_word});
        letters_ += word.text;
    }
}

// Level by level. A node has a range of the sorted spellings: those that end with it first, then its children's.
void LexiconTrie::grow(std::span<const Spelling> sorted) {
    struct Range {
        std::size_t begin, end, depth;
    };
    std::vector<Range> ranges{{0, sorted.size(), 0}};
    nodes_.emplace_back();
    for (std::size_t node = 0; node < ranges.size(); ++node) {
        auto [at, end, depth] = ranges[node];
        nodes_[node].first_ending = static_cast<std::uint32_t>(endings_.size());
        for (; at < end && sorted[at].phones.size() == depth; ++at) {
            if (nodes_[node].ending_count > 0 && endings_.back() == sorted[at].word) continue;
            endings_.push_back(sorted[at].word);
            ++nodes_[node].ending_count;
        }
        nodes_[node].first_child = static_cast<Index>(nodes_.size());
        while (at < end) {
            const auto phone = sorted[at].phones[depth];
            const auto begin = at;
            while (at < end && sorted[at].phones[depth] == phone) ++at;
            nodes_[node].children |= std::uint64_t{1} << phone;
            nodes_.emplace_back();
            ranges.push_back({begin, at, depth + 1});
        }
    }
    nodes_.shrink_to_fit();
}

// Children come after their parents, so from the last node to the first.
void LexiconTrie::look_ahead_from(std::span<const SpokenWord> words) {
    for (std::size_t n = nodes_.size(); n-- > 0;) {
        auto& node = nodes_[n];
        if (node.ending_count > 0) {
            const auto score = words[endings_[node.first_ending]].log_score;
            node.look_ahead = std::exp(std::clamp(score, kLeastLogScore, kMostLogScore));
        }
        for (int child = 0; child < std::popcount(node.children); ++child) {
            const auto& below = nodes_[node.first_child + static_cast<Index>(child)];
            node.look_ahead = std::max(node.look_ahead, below.look_ahead);
        }
    }
    nodes_[kRoot].look_ahead = 1;
}

std::size_t LexiconTrie::bytes() const noexcept {
    return nodes_.size() * sizeof(Node) + endings_.size() * sizeof(std::uint32_t) + words_.size() * sizeof(Word) +
           letters_.size();
}

}  // namespace sidetone::speech
