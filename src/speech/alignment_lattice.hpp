// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "speech/prompt.hpp"

namespace sidetone::speech {

/// Prices of what a reading of a prompt may do, as natural logarithms of probabilities.
struct LatticePrices {
    static constexpr float kForbidden = -std::numeric_limits<float>::infinity();

    float pause = -2;           ///< to pause after a word
    float skip_word = -8;       ///< to leave a word out; may be forbidden
    float repeat = kForbidden;  ///< to go back and say the last word again, or up to eight words
    float insert = kForbidden;  ///< to say something else, of any phones, before a word or after the last
};

/// Every way through a prompt, for one frame after the other: a state is a part of a phone, a gap, or what is said
/// beside the prompt. A phone has three parts: a peak, one frame at least in which it must be heard, and what is before
/// and after, which may be missing. Gaps lie before, between and after the words, where a reading may pass, and between
/// two equal phones, where it must, for nothing else would tell them apart. One word may be left out between any two
/// frames; where several in a row are left out, the gap there has a frame for each. Where words may be said again, a
/// reading may go back from wherever one has ended to where one before begins. What is said beside the prompt lies
/// where gaps may lie.
class AlignmentLattice {
public:
    static constexpr int kNoWord = -1;

    struct State {
        Phone phone = kBlank;  ///< the blank for a gap, and for what is beside the prompt
        bool is_peak = false;
        bool is_beside = false;  ///< any phones; `word` is the one before which they are said
        std::uint16_t said = 0;  ///< the same for all parts of a phone, and for nothing else
        int word = kNoWord;      ///< `kNoWord` for gaps between words
        int pronunciation = 0;
        int position = 0;  ///< of the phone in the pronunciation
        std::uint32_t first_arc = 0, arc_count = 0;
    };
    struct Arc {
        std::uint16_t from = 0;
        float price = 0;
    };
    struct End {
        std::uint16_t state = 0;
        float price = 0;
    };

    /// Throws InputError: no words, a word without pronunciation, a pronunciation with what is no phone, more states
    /// than 16 bits can number, more than 254 ways into one state.
    AlignmentLattice(const Prompt& prompt, const LatticePrices& prices);

    [[nodiscard]] std::span<const State> states() const noexcept { return states_; }
    /// From other states; a state may always be held.
    [[nodiscard]] std::span<const Arc> arcs_into(const State& state) const noexcept {
        return std::span{arcs_}.subspan(state.first_arc, state.arc_count);
    }
    /// Where a reading may begin, and where it may end.
    [[nodiscard]] std::span<const End> beginnings() const noexcept { return beginnings_; }
    [[nodiscard]] std::span<const End> ends() const noexcept { return ends_; }

private:
    // The states after which something may begin: the gap before it, and the last phones of the word before that.
    struct Exits {
        std::uint16_t gap = 0;
        std::vector<std::uint16_t> phones;
        std::vector<std::uint16_t> beside;  // one or none
    };
    struct Beginning {
        std::uint16_t before = 0, peak = 0;
    };
    struct Parts {
        std::uint16_t before = 0, peak = 0, after = 0;
    };
    std::uint16_t add_state(const State& state, const std::vector<Arc>& arcs);
    void add_word(const PromptWord& word, int number, const LatticePrices& prices);
    Parts add_pronunciation(const Pronunciation& pronunciation, State state, const LatticePrices& prices);
    Parts add_phone(State state, std::vector<Arc>& arcs);
    void add_beside(Exits& exits, int word, const LatticePrices& prices);
    void add_ways_back(const LatticePrices& prices);
    void enter_from(const Exits& exits, Phone phone, float price, std::vector<Arc>& arcs) const;

    std::vector<State> states_;
    std::vector<Arc> arcs_;
    std::vector<End> beginnings_, ends_;
    std::vector<Exits> exits_;                   // one before each word, and one after the last
    std::vector<std::vector<Beginning>> words_;  // where each word's pronunciations begin
    std::vector<std::vector<Arc>> further_;      // arcs into each state from higher ones
};

}  // namespace sidetone::speech
