// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "dsp/overlap_add.hpp"
#include "dsp/real_fft.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Lengths in samples. `analysis` is a size of RealFft, `synthesis` an even number up to it, `hop` a divisor of
/// `synthesis` and at most half of it.
struct AsymmetricWindows {
    std::size_t analysis, synthesis, hop;
};

/// Filter bank with the frequency resolution of a long window and the delay of a short one: each frame is weighted with
/// a long window that ends in a short steep slope, and only its newest `synthesis` samples are sounded again (Mauler
/// and Martin, "A low delay, variable resolution, perfect reconstruction spectral analysis-synthesis system for speech
/// enhancement", EUSIPCO 2007; with masks: Wood and Rouat, "Unsupervised low latency speech enhancement with
/// RT-GCC-NMF", IEEE J-STSP 2019). With unit gains the output is the input `synthesis - hop` samples later.
///
/// Gains that differ between neighbouring bins act through that short window: they are smoothed over about
/// 2 · rate / synthesis hertz, and what their impulse response would have to place outside of it is lost or aliased.
/// Starts from silence. Built on the control thread, used by one thread at a time.
class AsymmetricFilterBank {
public:
    /// Throws std::invalid_argument for lengths that do not fit together.
    explicit AsymmetricFilterBank(AsymmetricWindows windows);

    /// Another one, from silence, for another channel of the same sound: both share tables and scratch memory, so one
    /// thread at a time may use them all.
    [[nodiscard]] AsymmetricFilterBank sibling() const { return AsymmetricFilterBank(shared_); }

    [[nodiscard]] std::size_t hop() const noexcept { return shared_->windows.hop; }
    [[nodiscard]] std::size_t bins() const noexcept { return spectrum_.size(); }
    [[nodiscard]] std::size_t delay_frames() const noexcept { return synthesis_.delay_frames(); }
    [[nodiscard]] std::span<const float> analysis_window() const noexcept { return shared_->analysis_window; }

    /// Takes the next `hop()` samples. The spectrum of the newest frame, `bins()` values, is the caller's to change
    /// until `synthesise`.
    std::span<std::complex<float>> analyse(const float* in) noexcept SIDETONE_REALTIME;

    /// Writes the next `hop()` samples of output, from the spectrum that `analyse` gave. One call after each.
    void synthesise(float* out) noexcept SIDETONE_REALTIME;

    /// Both, with `bins()` real gains or complex factors in the middle. `in` may be `out`.
    void process(const float* in, const float* gains, float* out) noexcept SIDETONE_REALTIME;
    void process(const float* in, const std::complex<float>* mask, float* out) noexcept SIDETONE_REALTIME;

    /// Back to silence.
    void reset() noexcept;

private:
    /// What does not depend on the sound, and what is free again after each call.
    struct Shared {
        explicit Shared(AsymmetricWindows windows);
        AsymmetricWindows windows;
        RealFft fft;
        std::vector<float> analysis_window, frame;
    };
    explicit AsymmetricFilterBank(std::shared_ptr<Shared> shared);

    std::shared_ptr<Shared> shared_;
    OverlapAdd synthesis_;
    std::vector<float> history_;  // a ring of the newest samples
    std::size_t next_ = 0;
    std::vector<std::complex<float>> spectrum_;
};

/// The window before analysis: the root of a Hann slope over all but the last `synthesis / 2` samples up, and of a
/// short one down (Mauler and Martin 2007; here sampled half-way between the grid's points, so that no sample is lost
/// to 0).
[[nodiscard]] std::vector<float> asymmetric_analysis_window(AsymmetricWindows windows);

/// The window for the newest `synthesis` samples: what makes its product with the analysis window a Hann window whose
/// copies, `hop` apart, add up to one.
[[nodiscard]] std::vector<float> asymmetric_synthesis_window(AsymmetricWindows windows);

}  // namespace sidetone::dsp
