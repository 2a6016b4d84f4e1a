// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

#include "dsp/faded_filter.hpp"
#include "dsp/real_fft.hpp"
#include "dsp/toeplitz_solver.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Applies gains over frequency with as little delay as is wanted, or none: of all filters of its length and delay the
/// one that comes nearest, in the mean square, to what the gains would make of this very sound if they could look ahead
/// (the causal Wiener filter: Haykin, "Adaptive Filter Theory", chapter 2). What cannot be known yet it turns down,
/// where a minimum-phase filter turns phases; so it follows deep gains with far less error, but has the gains
/// themselves only roughly. Equal gains are a factor, exactly.
///
/// Built on the control thread, used by one thread at a time.
class CausalWienerFilter {
public:
    /// Gains and spectra come as the bins of a transform of `transform` samples, a size of RealFft; the filter has
    /// `taps` of them, at most half of it, and is `delay` samples late, at most half of `taps`. `fade` is the number of
    /// samples over which a new filter takes effect, and the most between two calls of `set_gains`.
    CausalWienerFilter(std::size_t transform, std::size_t taps, std::size_t delay, std::size_t fade);

    [[nodiscard]] std::size_t taps() const noexcept { return filter_.taps(); }
    [[nodiscard]] std::size_t delay() const noexcept { return delay_; }

    /// New gains, linear, one per bin, and the sound's spectrum as it is now.
    void set_gains(const float* gains, const std::complex<float>* spectrum) noexcept SIDETONE_REALTIME;

    /// Filters the next `count` samples; at most `fade` samples from one `set_gains` to the next. `in` may be `out`.
    void process(const float* in, float* out, std::size_t count) noexcept SIDETONE_REALTIME {
        filter_.process(in, out, count);
    }

private:
    std::size_t delay_;
    RealFft fft_;
    FadedFilter filter_;
    ToeplitzSolver solver_;
    std::vector<float> power_;
    std::vector<std::complex<float>> bins_;
    std::vector<float> own_, cross_, wanted_;  // correlations: of the sound, of it with its gains, and that delayed
};

}  // namespace sidetone::dsp
