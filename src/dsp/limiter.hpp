// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "dsp/glide.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

struct LimiterSettings {
    double ceiling_db = -1;  ///< of full scale
    double knee_db = 6;      ///< SoftLimiter only: it begins to act so far below the ceiling
    double release_ms = 60;  ///< until all but 1/e of what was taken away has been given back
};

/// A ceiling that may move: while it does, peaks are measured by it, as if it were where it goes to.
class LimiterCeiling {
public:
    LimiterCeiling(double ceiling, double rate_hz) noexcept;

    void go_to(double ceiling) noexcept;
    /// Where it is, or goes to; linear.
    [[nodiscard]] float target() const noexcept { return static_cast<float>(glide_.target()); }
    /// No sample may be beyond this.
    [[nodiscard]] float bound() const noexcept { return bound_; }
    /// Takes so many frames to where it goes.
    void scale(float* peaks, std::size_t frames) noexcept;

private:
    Glide glide_;
    float bound_;
};

/// Limits without any delay: the envelope of all channels together jumps up with every new peak, falls exponentially,
/// and is read off a curve that bends into the ceiling over the knee. A jump bends the one half-wave in which it
/// falls, and no more; what lies below the knee is left as it is, bit by bit.
///
/// No sample is ever beyond the ceiling, whatever comes in; what is not a number becomes silence. Made on the control
/// thread, used by one thread at a time. Any number of frames.
class SoftLimiter {
public:
    SoftLimiter(const LimiterSettings& settings, std::size_t channels, double rate_hz);

    /// `in` may be `out`.
    void process(const float* const* in, float* const* out, std::size_t frames) noexcept SIDETONE_REALTIME;
    [[nodiscard]] std::size_t delay_frames() const noexcept { return 0; }

    /// Audio thread: another ceiling, which is reached within 0.1 s, and another release. Until then no sample is
    /// beyond the higher one. The knee stays.
    void change(const LimiterSettings& settings) noexcept SIDETONE_REALTIME;

private:
    void process_piece(const float* const* in, float* const* out, std::size_t first, std::size_t frames) noexcept;

    std::size_t channels_;
    double rate_hz_, knee_db_;
    LimiterCeiling ceiling_;
    float knee_, decay_;
    float envelope_ = 0;
    std::vector<float> peak_;
};

/// Limits what a converter would make of the samples, not only the samples: peaks are looked for on four times as many
/// points (ITU-R BS.1770-4, annex 2), a millisecond ahead, so that the gain is down when a peak comes and never
/// jumps: a sliding minimum, an exponential release, and a mean over the time that is left.
///
/// No sample is ever beyond the ceiling, and no peak between samples by more than 0.2 dB for sounds up to a quarter of
/// the rate, and 0.7 dB up to 0.4 of it: four points are not all there are. Else as SoftLimiter.
class TruePeakLimiter {
public:
    TruePeakLimiter(const LimiterSettings& settings, std::size_t channels, double rate_hz);

    /// `in` may be `out`.
    void process(const float* const* in, float* const* out, std::size_t frames) noexcept SIDETONE_REALTIME;
    /// A millisecond.
    [[nodiscard]] std::size_t delay_frames() const noexcept { return delay_; }

    /// As of a SoftLimiter.
    void change(const LimiterSettings& settings) noexcept SIDETONE_REALTIME;

private:
    void process_piece(const float* const* in, float* const* out, std::size_t first, std::size_t frames) noexcept;
    void find_peaks(const float* const* in, std::size_t first, std::size_t frames) noexcept;
    void slide_minimum(std::size_t frames) noexcept;
    void slide_mean(std::size_t frames) noexcept;

    std::size_t delay_, window_;  // frames; the gain takes `window_` of them to come down
    double rate_hz_;
    LimiterCeiling ceiling_;
    float recovery_;
    float released_ = 1;
    std::vector<std::vector<float>> delayed_;  // of each channel: `delay_` frames, then the piece
    std::vector<float> peak_;
    std::vector<float> needed_, minimum_, smooth_, mean_, scratch_;  // gains; a past, then the piece
};

}  // namespace sidetone::dsp
