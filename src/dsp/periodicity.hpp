// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "dsp/real_fft.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// How like a stretch of sound is to itself a while later and a while earlier: of a segment in the middle against both
/// its sides, so that it is about the middle whatever the lag,
///
///     r[τ] = Σ x[n] (x[n + τ] + x[n - τ]) / Σ (x[n]² + ½ x[n + τ]² + ½ x[n - τ]²),
///
/// which is 1 at a period, and never more. The sound is low-passed first (-6 dB at about 1.6 kHz): what hisses is least
/// there, and a parabola through three values finds the peaks. A straight line through the samples is taken away.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class Periodicity {
public:
    /// Rates from 8000 to 48000 Hz; lags up to `longest_lag` samples. Throws std::invalid_argument for what cannot be.
    Periodicity(std::uint32_t rate_hz, std::size_t longest_lag);

    /// Samples it takes; it is about the middle one.
    [[nodiscard]] std::size_t length() const noexcept { return sound_.size() + 2 * reach_; }

    /// `samples` are length().
    void analyse(const float* samples) noexcept SIDETONE_REALTIME;

    /// r[0 … longest_lag]; 0 throughout when there is no sound.
    [[nodiscard]] std::span<const double> likeness() const noexcept { return likeness_; }
    /// Mean square of the middle, low-passed.
    [[nodiscard]] double power() const noexcept { return power_; }

private:
    void level_out() noexcept SIDETONE_REALTIME;
    void correlate() noexcept SIDETONE_REALTIME;
    void normalise() noexcept SIDETONE_REALTIME;

    std::size_t segment_, longest_lag_;
    std::size_t reach_;          // of the low-pass filter, to either side
    std::vector<float> filter_;  // its middle, and one side
    RealFft transform_;
    AlignedVector<float> sound_, padded_, correlation_;
    AlignedVector<std::complex<float>> whole_, middle_;
    std::vector<double> energy_;  // of the samples before n
    std::vector<double> likeness_;
    double power_ = 0;
};

}  // namespace sidetone::dsp
