// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "dsp/polyphase_resampler_kernels.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Changes the sampling rate by a fixed ratio of integers with a linear-phase windowed-sinc filter (Kaiser), one branch
/// per phase. It holds no signal: it is a function from a contiguous stretch of input to a stretch of output on a
/// common time axis, so it is exact for any chunking, its caller's ring is its history, and it delays nothing by itself
/// — it *looks ahead*.
///
/// Output sample m lies at input position m · step / phases (phases = out_rate/g, step = in_rate/g, g their greatest
/// common divisor). With p = floor of that position it is computed from input samples p - (half - 1) … p + half.
class PolyphaseResampler {
public:
    /// The filter's span follows from these two and from the lower of the two rates (Kaiser's formula). As they stand
    /// it is 16 samples of the lower rate to either side, so the look-ahead is 1 ms between 16 and 48 kHz.
    struct Design {
        /// 20 to 140. What Kaiser's formula aims at for images and aliases; measured, it misses by at most 2 dB, and
        /// only at the very edge. The pass band is flat to the same precision.
        double stop_band_db = 76;
        /// Flat up to this share of the lower Nyquist frequency, 0.5 to 0.98. The stop band begins as far above that
        /// frequency, so whatever aliases or is imaged into the band that both rates carry falls above the pass band.
        double pass_band = 0.85;
    };

    /// Rates in Hz, 8000 to 192000. Equal rates make the identity (half() == 0, output m is input m). Throws
    /// std::invalid_argument for rates or a design out of range, and for a ratio that takes more than 4 million taps.
    PolyphaseResampler(std::uint32_t in_rate_hz, std::uint32_t out_rate_hz, const Design& design);
    PolyphaseResampler(std::uint32_t in_rate_hz, std::uint32_t out_rate_hz)
        : PolyphaseResampler(in_rate_hz, out_rate_hz, Design{}) {}

    [[nodiscard]] std::uint32_t phases() const noexcept { return phases_; }
    [[nodiscard]] std::uint32_t step() const noexcept { return step_; }
    /// Input samples needed after floor(position); half() - 1 are needed before it.
    [[nodiscard]] std::uint32_t half() const noexcept { return half_; }

    /// The newest input sample that output `m` depends on: floor(m · step / phases) + half. (m may be negative.)
    [[nodiscard]] std::int64_t newest_input(std::int64_t m) const noexcept SIDETONE_REALTIME;
    /// The oldest one.
    [[nodiscard]] std::int64_t oldest_input(std::int64_t m) const noexcept SIDETONE_REALTIME;

    /// How many outputs, counted from output 0 on, are determined by inputs 0 … available - 1.
    [[nodiscard]] std::int64_t outputs_ready(std::int64_t available) const noexcept SIDETONE_REALTIME;

    /// Computes outputs `first` … `first + count - 1` into `out`. `in` points at input sample `in_position`; every
    /// sample from oldest_input(first) to newest_input(first + count - 1) must be readable relative to it.
    void compute(const float* in, std::int64_t in_position, std::int64_t first, std::size_t count,
                 float* out) const noexcept SIDETONE_REALTIME;

private:
    [[nodiscard]] PolyphaseBranches branches() const noexcept;

    std::uint32_t phases_, step_, half_;
    std::size_t units_ = 0;          // vectors' worth of coefficients per branch
    AlignedVector<float> branches_;  // phases_ of them; the one of row f makes the outputs at a fraction of f / phases_
    // Chosen once: a choice at every call reads code and tables that a callback finds cold.
    PolyphaseFilter filter_ = nullptr;
};

/// A whole recording at the other rate, with silence before and after it: output m lies where input m · step / phases
/// does. Not for the audio thread: it allocates.
[[nodiscard]] std::vector<float> resampled(std::span<const float> in, const PolyphaseResampler& resampler);

}  // namespace sidetone::dsp
