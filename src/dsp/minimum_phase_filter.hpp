// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

#include "dsp/faded_filter.hpp"
#include "dsp/real_fft.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Applies gains over frequency without any delay: a filter in the time domain whose phase is the least that has these
/// gains (by the real cepstrum: Oppenheim and Schafer, "Discrete-Time Signal Processing", section 13.5). New gains fade
/// in. A frequency response is only as sharp as the filter is long; at first it passes everything.
///
/// Built on the control thread, used by one thread at a time.
class MinimumPhaseFilter {
public:
    /// Gains come as the bins of a transform of `transform` samples, a size of RealFft; `fade` is the number of samples
    /// over which new ones take effect, and the most between two calls of `set_gains`.
    MinimumPhaseFilter(std::size_t transform, std::size_t fade);

    [[nodiscard]] std::size_t taps() const noexcept { return filter_.taps(); }

    /// New gains, linear, one per bin. What is below -80 dB counts as -80 dB.
    void set_gains(const float* gains) noexcept SIDETONE_REALTIME;

    /// Filters the next `count` samples; at most `fade` samples from one `set_gains` to the next. `in` may be `out`.
    void process(const float* in, float* out, std::size_t count) noexcept SIDETONE_REALTIME {
        filter_.process(in, out, count);
    }

private:
    std::size_t stride_;  // every stride_ bins of the gains become one of the filter's
    RealFft fft_;
    FadedFilter filter_;
    std::vector<float> decibels_, wide_, cepstrum_;
    std::vector<std::complex<float>> spectrum_;
};

}  // namespace sidetone::dsp
