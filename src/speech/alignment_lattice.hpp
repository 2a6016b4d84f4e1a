// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "speech/prompt.hpp"

namespace sidetone::speech {

/// Prices of what a reading of a prompt may do, as natural logarithms of probabilities.
struct LatticePrices {
    float pause = -2;      ///< to pause after a word
    float skip_word = -8;  ///< to leave a word out; minus infinity forbids it
};

/// Every way through a prompt, for one frame after the other: a state is a part of a phone, or a gap. A phone has three
/// parts: a peak, one frame at least in which it must be heard, and what is before and after, which may be missing.
/// Gaps lie before, between and after the words, where a reading may pass, and between two equal phones, where it must,
/// for nothing else would tell them apart. One word may be left out between any two frames; where several in a row are
/// left out, the gap there has a frame for each. States are numbered so that each is entered from lower ones only.
class AlignmentLattice {
public:
    static constexpr int kNoWord = -1;

    struct State {
        Phone phone = kBlank;  ///< the blank for a gap
        bool is_peak = false;
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
    };
    struct Parts {
        std::uint16_t before = 0, peak = 0, after = 0;
    };
    std::uint16_t add_state(const State& state, const std::vector<Arc>& arcs);
    void add_word(const PromptWord& word, int number, const LatticePrices& prices);
    Parts add_pronunciation(const Pronunciation& pronunciation, State state, const LatticePrices& prices);
    Parts add_phone(State state, std::vector<Arc>& arcs);
    void enter_from(const Exits& exits, Phone phone, float price, std::vector<Arc>& arcs) const;

    std::vector<State> states_;
    std::vector<Arc> arcs_;
    std::vector<End> beginnings_, ends_;
    std::vector<Exits> exits_;  // one before each word, and one after the last
};

}  // namespace sidetone::speech
