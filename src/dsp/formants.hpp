// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/linear_prediction.hpp"
#include "dsp/polynomial_roots.hpp"
#include "dsp/sliding_window.hpp"
#include "dsp/stream_resampler.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// A resonance of the vocal tract.
struct Formant {
    float frequency_hz = 0, bandwidth_hz = 0;
};

/// What resounds at one instant.
struct FormantFrame {
    std::array<Formant, 4> formants{};  ///< F1 to F4, by frequency
    std::size_t count = 0;              ///< of those that were found
    /// Loud enough, predictable as a resonance is and noise is not, with two formants or more, and F1 below a quarter
    /// of the ceiling.
    bool is_reliable = false;
};

/// The formants of a voice in a stream of samples: at twice the ceiling's rate, pre-emphasised from 50 Hz, Gaussian
/// windows, linear prediction (Burg) and the roots of its polynomial; of these the ones that are narrow enough, the
/// lowest first. Below the ceiling there should be as many formants as half the order, so the ceiling follows the
/// length of the vocal tract. Prediction sees the harmonics of a voice of pitch f0: a high one may pull F1 by f0 / 7,
/// and the others by a few per cent (formants_test.cpp).
///
/// Frame t is about t hops after the first sample. It comes once delay_samples() more have come. Frames are equal, bit
/// by bit, however the samples were chunked. Built on the control thread; the rest one thread at a time. No heap
/// after construction.
class Formants {
public:
    // Ceilings in Hz below which a voice has five formants (Praat's manual, "Sound: To Formant (burg)").
    static constexpr double kChild = 8000, kWoman = 5500, kMan = 5000;

    struct Design {
        std::uint32_t rate_hz = 16'000;
        double ceiling_hz = kWoman;    ///< 4000 to half the rate, in steps of 50
        std::size_t order = 10;        ///< of the prediction: two for each formant; 6 to 24
        double window_seconds = 0.05;  ///< all of the Gaussian window, of which one half weighs something
        double widest_hz = 700;        ///< a root of a larger bandwidth is the spectrum's slope, no formant
        double least_level_db = -60;   ///< of full scale, over the window
        double least_gain_db = 6;      ///< of the prediction
    };
    static constexpr double kHopSeconds = 0.01;

    /// Throws std::invalid_argument for a design that cannot be, and std::bad_alloc.
    explicit Formants(const Design& design);

    /// Calls use(const FormantFrame&) for each frame that `samples` complete, in order. Any number of samples.
    template <class Use>
    void push(std::span<const float> samples, Use&& use) noexcept SIDETONE_REALTIME;
    /// The recording is over: the rest of the frames, in all one for every hop that begins in it or at its end. Then
    /// only `reset` may follow.
    template <class Use>
    void finish(Use&& use) noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    /// Samples after the one that a frame is about, until it comes: half the window and the resampler's look-ahead.
    [[nodiscard]] std::size_t delay_samples() const noexcept;

private:
    [[nodiscard]] FormantFrame analyse(const float* window) noexcept SIDETONE_REALTIME;
    [[nodiscard]] FormantFrame formants_of_roots() const noexcept SIDETONE_REALTIME;

    Design design_;
    double rate_hz_;  // at which it analyses: twice the ceiling
    StreamResampler resampler_;
    SlidingWindow windows_;
    std::vector<double> weights_, weighted_;
    LinearPrediction prediction_;
    PolynomialRoots roots_;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class Use>
void Formants::push(std::span<const float> samples, Use&& use) noexcept {
    resampler_.push(samples, [&](std::span<const float> some) noexcept {
        windows_.push(some, [&](const float* window) { use(analyse(window)); });
    });
}

template <class Use>
void Formants::finish(Use&& use) noexcept {
    const auto use_window = [&](const float* window) { use(analyse(window)); };
    resampler_.finish([&](std::span<const float> some) noexcept { windows_.push(some, use_window); });
    windows_.finish(use_window);
}

}  // namespace sidetone::dsp
