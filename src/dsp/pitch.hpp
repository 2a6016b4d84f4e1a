// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/periodicity.hpp"
#include "dsp/pitch_path.hpp"
#include "dsp/sliding_window.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// The pitch of a voice at one instant.
struct PitchFrame {
    float f0_hz = 0;    ///< 0 when unvoiced
    float voicing = 0;  ///< how probable the frame by itself has a pitch, 0 to 1

    [[nodiscard]] bool is_voiced() const noexcept { return f0_hz > 0; }
};

/// The fundamental frequency of a voice in a stream of samples. Every lag at which the sound is like itself
/// (periodicity.hpp) is a candidate, of a score s = r - octave_cost log2(lag / shortest lag) (Boersma 1993); so is
/// having no pitch, of score unvoiced_score. They are as probable as exp(sharpness · s), and a search with a fixed lag
/// (pitch_path.hpp) finds the way of the voice through them.
///
/// Frame t is about sample t · hop. It comes once delay_samples() more have come. Frames are equal, bit by bit,
/// however the samples were chunked. Built on the control thread; the rest one thread at a time. No heap after
/// construction.
class Pitch {
public:
    struct Design {
        std::uint32_t rate_hz = 16'000;     ///< 8000 to 48000
        double low_hz = 50, high_hz = 600;  ///< of the fundamental
        double hop_seconds = 0.01;          ///< rounded to samples
        PitchPath::Design path = {};        ///< its bins follow from the range
        double unvoiced_score = 0.55, octave_cost = 0.01, sharpness = 15;
        double least_level_db = -70;  ///< of full scale, below 1.6 kHz; what is softer is unvoiced
    };

    /// Throws std::invalid_argument for a design that cannot be, and std::bad_alloc.
    explicit Pitch(const Design& design);

    /// Calls use(const PitchFrame&) for each frame that `samples` complete, in order. Any number of samples.
    template <class Use>
    void push(std::span<const float> samples, Use&& use) noexcept SIDETONE_REALTIME;
    /// The recording is over: the rest of the frames, in all one for every hop that begins in it or at its end. Then
    /// only `reset` may follow.
    template <class Use>
    void finish(Use&& use) noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    [[nodiscard]] std::size_t hop() const noexcept { return windows_.hop(); }
    /// Samples after the one that a frame is about, until it comes: half the window, and the lag.
    [[nodiscard]] std::size_t delay_samples() const noexcept {
        return windows_.length() - windows_.length() / 2 - 1 + design_.path.lag * hop();
    }

private:
    void analyse(const float* window) noexcept SIDETONE_REALTIME;
    void find_candidates() noexcept SIDETONE_REALTIME;
    void add_candidate(std::size_t lag) noexcept SIDETONE_REALTIME;
    [[nodiscard]] PitchFrame frame(std::size_t back) const noexcept SIDETONE_REALTIME;

    Design design_;
    std::size_t shortest_lag_, longest_lag_;  // in samples
    Periodicity periodicity_;
    SlidingWindow windows_;
    PitchPath path_;
    std::size_t bins_;
    std::vector<float> probability_;  // of each bin in the latest frame
    std::vector<float> pitch_hz_;     // of the candidates in each bin of the latest lag + 1 frames; 0 for none
    std::vector<float> voicing_;      // of the latest lag + 1 frames
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class Use>
void Pitch::push(std::span<const float> samples, Use&& use) noexcept {
    windows_.push(samples, [&](const float* window) {
        analyse(window);
        if (path_.frames() > design_.path.lag) use(frame(design_.path.lag));
    });
}

template <class Use>
void Pitch::finish(Use&& use) noexcept {
    windows_.finish([&](const float* window) {
        analyse(window);
        if (path_.frames() > design_.path.lag) use(frame(design_.path.lag));
    });
    for (auto left = static_cast<std::size_t>(std::min<std::uint64_t>(path_.frames(), design_.path.lag)); left > 0;)
        use(frame(--left));
}

}  // namespace sidetone::dsp
