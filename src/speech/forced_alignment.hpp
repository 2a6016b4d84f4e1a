// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rt/realtime.hpp"
#include "speech/alignment_lattice.hpp"

namespace sidetone::speech {

/// How a frame's probabilities become prices of being in a phone or in a gap.
///
/// A model trained with connectionist temporal classification is sure of a phone for a frame or two, its peak, and says
/// blank for the rest. So beside its peak a phone p may take a share of the blank: P(p) + `blank_share`·P(blank)·S,
/// where S is the probability that there is speech. Between two peaks the boundary is then where what is left of one
/// phone falls below what is there of the next. A gap takes `blank_share`·P(blank)·(1 - S), and a phone's peak P(p)
/// alone.
struct AlignmentSettings {
    LatticePrices prices;
    float blank_share = 0.05F;
    float phone_floor = 1e-6F;  ///< least probability of a phone, however wrong it sounds
    float gap_floor = 2e-3F;    ///< least probability of a gap: noise goes there, and what is said beside the prompt
    int lag_frames = 150;       ///< what is older than twice this is settled for good
};

/// A phone of the prompt, and when it was said. Frames are absolute: 0 is the first that was pushed.
struct AlignedPhone {
    Phone phone = kBlank;                           ///< the blank: something else was said there, before `word`
    int word = 0, pronunciation = 0, position = 0;  ///< in the prompt
    std::int64_t first_frame = 0, end_frame = 0;    ///< [first, end)
    /// Where it begins, in frames from `first_frame` on: -0.5 to 0.5 where the phone before ends there, for the two
    /// became equally probable between two frames' middles, and 0 elsewhere.
    float begin_offset = 0;
    std::int64_t peak_frame = 0;     ///< where the phone was most probable
    float peak_log_probability = 0;  ///< at the peak
    float sum_log_probability = 0;   ///< over all its frames
    [[nodiscard]] std::int64_t frames() const noexcept { return end_frame - first_frame; }
};

/// A way to the prompt's end.
struct FinishedAlignment {
    /// In order of time: those of words that were left out are missing, those of words that were said again are there
    /// again.
    std::span<const AlignedPhone> phones;
    /// Whether the prompt's end was reached. Where it was not, there were fewer frames than phones, and `phones` is
    /// what partial() says.
    bool is_complete = false;
    double log_price = 0;  ///< natural logarithm, over all frames
    /// What going to the end costs beyond the best way that stops anywhere: 0 after a whole reading, and far below
    /// (natural logarithm) where the rest of the prompt had to be squeezed into frames that do not sound like it.
    float end_log_ratio = 0;
};

/// Finds when each phone of a prompt is said while it is being said: the most probable way through the prompt's lattice
/// (Viterbi), choosing among pronunciations.
///
/// Everything is allocated at construction (about 2·`lag_frames` bytes for a phone), and does not grow with time: ways
/// that disagree with the best about what happened more than `lag_frames` ago are given up, and of words that are said
/// again and again only the last time is kept in the end. One thread at a time.
class ForcedAlignment {
public:
    /// Throws as AlignmentLattice does.
    explicit ForcedAlignment(const Prompt& prompt, const AlignmentSettings& settings = {});

    /// The next frame: natural logarithms of the probabilities of all kPhoneClassCount classes, and the probability
    /// that it is speech at all, 0.5 when nobody knows. What is not finite counts as impossible.
    void push(std::span<const float> log_probabilities, float speech = 0.5F) noexcept SIDETONE_REALTIME;

    /// The best way so far. Only phones from settled() on may change later. Valid until the next call.
    [[nodiscard]] std::span<const AlignedPhone> partial() noexcept SIDETONE_REALTIME;

    /// The best way to the prompt's end, given that no more comes. Valid until the next call. More frames may be pushed
    /// afterwards.
    [[nodiscard]] FinishedAlignment finish() noexcept SIDETONE_REALTIME;

    /// How many of the first phones will not change any more, but that those of words said again may be forgotten.
    [[nodiscard]] std::size_t settled() const noexcept { return settled_ == 0 ? 0 : settled_ - 1; }

    [[nodiscard]] std::int64_t frames() const noexcept { return frames_; }

    /// Begins again, with the same prompt.
    void reset() noexcept SIDETONE_REALTIME;

private:
    void price_frame(std::span<const float> log_probabilities, float speech) noexcept;
    [[nodiscard]] float price_of(const AlignmentLattice::State& state) const noexcept;
    void begin() noexcept;
    void step() noexcept;
    void settle() noexcept;
    void normalise(float best) noexcept;
    [[nodiscard]] std::size_t best_state() const noexcept;
    [[nodiscard]] std::span<const AlignedPhone> spell(std::size_t state) noexcept;
    void append(std::size_t state, std::size_t previous, std::int64_t frame) noexcept;
    void forget_what_was_said_again() noexcept;
    [[nodiscard]] float begin_offset(Phone phone, std::int64_t frame) const noexcept;
    [[nodiscard]] float lead(Phone phone, Phone other, std::int64_t frame) const noexcept;
    void append_path(std::size_t state, std::int64_t last_frame) noexcept;

    AlignmentLattice lattice_;
    AlignmentSettings settings_;
    std::size_t window_;         // frames of the past that are kept
    std::vector<float> prices_;  // of this frame, one a class, the blank's for gaps; then those of peaks,
                                 // the blank's for what is beside the prompt
    std::vector<float> scores_, scores_before_;  // one a state, less settled_price_; a frame ago
    std::vector<std::uint16_t> origins_,
        origins_before_;                      // the state that the way to this one was in at the checkpoint
    std::vector<std::uint8_t> back_;          // [window][state]: 0 held, else the arc's number + 1
    std::vector<float> log_probabilities_;    // [window][class]
    std::vector<std::uint16_t> path_;         // while spelling
    std::vector<AlignedPhone> phones_;        // settled ones, then others
    std::vector<std::uint16_t> phones_said_;  // State::said of phones_
    AlignedPhone last_settled_;               // phones_[settled_ - 1], before it was made longer by guesses
    std::size_t settled_ = 0;
    std::int64_t frames_ = 0, checkpoint_ = 0, settled_frames_ = 0;
    double settled_price_ = 0;
};

}  // namespace sidetone::speech
