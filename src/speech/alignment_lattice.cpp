// SPDX-License-Identifier: Apache-2.0
#include "speech/alignment_lattice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "rt/error.hpp"

namespace sidetone::speech {
namespace {

constexpr std::size_t kMaxArcs = 254;  // one byte numbers them, and holding the state
constexpr std::size_t kMostWordsBack = 8;
constexpr std::size_t kMaxStates = std::numeric_limits<std::uint16_t>::max();

bool is_phone(Phone phone) {
    return phone != kBlank && phone < kPhoneClassCount;
}

void check(const Prompt& prompt) {
    if (prompt.empty()) throw InputError("the prompt: found no words, expected at least one");
    for (const auto& word : prompt) {
        if (word.pronunciations.empty())
            throw InputError(fmt::format("the prompt: word \"{}\" has no pronunciation", word.text));
        for (const auto& pronunciation : word.pronunciations) {
            if (pronunciation.empty() || !std::ranges::all_of(pronunciation, is_phone))
                throw InputError(fmt::format("the prompt: word \"{}\" has a pronunciation that is none", word.text));
        }
    }
}

}  // namespace

AlignmentLattice::AlignmentLattice(const Prompt& prompt, const LatticePrices& prices) {
    check(prompt);
    exits_.push_back({.gap = add_state({}, {}), .phones = {}, .beside = {}});
    add_beside(exits_.back(), 0, prices);
    for (std::size_t index = 0; index < prompt.size(); ++index)
        add_word(prompt[index], static_cast<int>(index), prices);

    add_ways_back(prices);
    beginnings_.insert(beginnings_.begin(), {.state = exits_.front().gap});
    for (const auto beside : exits_.front().beside) beginnings_.push_back({.state = beside, .price = prices.insert});
    const auto end_after = [&](const Exits& exits, float price) {
        ends_.push_back({exits.gap, price});
        for (const auto beside : exits.beside) ends_.push_back({beside, price});
        for (const auto phone : exits.phones) ends_.push_back({phone, price});
    };
    end_after(exits_.back(), 0);
    if (std::isfinite(prices.skip_word)) end_after(exits_[exits_.size() - 2], prices.skip_word);
}

std::uint16_t AlignmentLattice::add_state(const State& state, const std::vector<Arc>& arcs) {
    if (states_.size() == kMaxStates)
        throw InputError(fmt::format("the prompt is too long: more than {} states", kMaxStates));
    states_.push_back(state);
    states_.back().first_arc = static_cast<std::uint32_t>(arcs_.size());
    states_.back().arc_count = static_cast<std::uint32_t>(arcs.size());
    arcs_.insert(arcs_.end(), arcs.begin(), arcs.end());
    return static_cast<std::uint16_t>(states_.size() - 1);
}

// A phone that follows itself without a gap would be the same phone for longer.
void AlignmentLattice::enter_from(const Exits& exits, Phone phone, float price, std::vector<Arc>& arcs) const {
    arcs.push_back({exits.gap, price});
    for (const auto beside : exits.beside) arcs.push_back({beside, price});
    for (const auto exit : exits.phones) {
        if (states_[exit].phone != phone) arcs.push_back({exit, price});
    }
}

void AlignmentLattice::add_word(const PromptWord& word, int number, const LatticePrices& prices) {
    Exits after;
    words_.emplace_back();
    for (std::size_t index = 0; index < word.pronunciations.size(); ++index) {
        const State first{.word = number, .pronunciation = static_cast<int>(index)};
        const auto last = add_pronunciation(word.pronunciations[index], first, prices);
        after.phones.insert(after.phones.end(), {last.peak, last.after});
    }
    std::vector<Arc> into_gap;
    for (const auto phone : after.phones) into_gap.push_back({phone, prices.pause});
    if (std::isfinite(prices.skip_word)) into_gap.push_back({exits_.back().gap, prices.skip_word});
    after.gap = add_state({}, into_gap);
    add_beside(after, number + 1, prices);
    exits_.push_back(std::move(after));
}

void AlignmentLattice::add_beside(Exits& exits, int word, const LatticePrices& prices) {
    if (!std::isfinite(prices.insert)) return;
    std::vector<Arc> into{{exits.gap, prices.insert}};
    for (const auto phone : exits.phones) into.push_back({phone, prices.insert});
    const auto number = static_cast<std::uint16_t>(states_.size());
    exits.beside.push_back(add_state({.is_beside = true, .said = number, .word = word}, into));
}

// From what has a higher number: gaps after what is beside the prompt, and words that are said again. All arcs are laid
// out anew.
void AlignmentLattice::add_ways_back(const LatticePrices& prices) {
    further_.resize(states_.size());
    for (const auto& exits : exits_) {
        for (const auto beside : exits.beside) further_[exits.gap].push_back({.from = beside});
    }
    for (std::size_t word = 0; std::isfinite(prices.repeat) && word < words_.size(); ++word) {
        for (std::size_t last = word; last < std::min(words_.size(), word + kMostWordsBack); ++last) {
            for (const auto& [before, peak] : words_[word]) {
                std::vector<Arc> arcs;
                enter_from(exits_[last + 1], states_[peak].phone, prices.repeat, arcs);
                further_[before].insert(further_[before].end(), arcs.begin(), arcs.end());
                further_[peak].insert(further_[peak].end(), arcs.begin(), arcs.end());
            }
        }
    }
    std::vector<Arc> all;
    for (std::size_t index = 0; index < states_.size(); ++index) {
        auto& state = states_[index];
        const auto own = arcs_into(state);
        const auto first = all.size();
        all.insert(all.end(), own.begin(), own.end());
        all.insert(all.end(), further_[index].begin(), further_[index].end());
        if (all.size() - first > kMaxArcs) throw InputError("the prompt: a word has too many pronunciations");
        state.first_arc = static_cast<std::uint32_t>(first);
        state.arc_count = static_cast<std::uint32_t>(all.size() - first);
    }
    arcs_ = std::move(all);
}

AlignmentLattice::Parts AlignmentLattice::add_pronunciation(const Pronunciation& pronunciation, State state,
                                                            const LatticePrices& prices) {
    std::vector<Arc> arcs;
    enter_from(exits_.back(), pronunciation.front(), 0, arcs);
    const bool may_skip = std::isfinite(prices.skip_word);
    if (may_skip && exits_.size() > 1)
        enter_from(exits_[exits_.size() - 2], pronunciation.front(), prices.skip_word, arcs);
    Parts last;
    for (std::size_t position = 0; position < pronunciation.size(); ++position) {
        state.position = static_cast<int>(position);
        if (position > 0 && pronunciation[position] == pronunciation[position - 1]) {
            state.phone = kBlank;
            arcs = {{.from = add_state(state, arcs)}};
        }
        state.phone = pronunciation[position];
        last = add_phone(state, arcs);
        if (position == 0) words_.back().push_back({last.before, last.peak});
        const float begin_price = state.word == 0 ? 0 : prices.skip_word;
        if (position == 0 && (state.word == 0 || (state.word == 1 && may_skip)))
            beginnings_.insert(beginnings_.end(), {{last.before, begin_price}, {last.peak, begin_price}});
        arcs = {{.from = last.peak}, {.from = last.after}};
    }
    return last;
}

AlignmentLattice::Parts AlignmentLattice::add_phone(State state, std::vector<Arc>& arcs) {
    Parts parts;
    state.said = static_cast<std::uint16_t>(states_.size());
    parts.before = add_state(state, arcs);
    arcs.push_back({.from = parts.before});
    state.is_peak = true;
    parts.peak = add_state(state, arcs);
    state.is_peak = false;
    parts.after = add_state(state, {{.from = parts.peak}});
    return parts;
}

}  // namespace sidetone::speech
