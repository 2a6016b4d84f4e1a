// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Spectra of a partitioned filter, real and imaginary parts apart: kCancellerStride values for each partition, of
/// which those that are no bins stay 0, so that kernels need no remainder. On cache lines.
inline constexpr std::size_t kCancellerStride = 48;

struct CancellerSpectra {
    std::size_t partitions;
    std::size_t newest;  ///< where the youngest of the played spectra is; the older ones follow, around the end
    const float *played_re, *played_im;      ///< of the loudspeaker
    const float *whitened_re, *whitened_im;  ///< the same, whitened
    float *weight_re, *weight_im;            ///< by age
    float* uncertainty;                      ///< of each weight: the expected square of its error
};

struct CancellerStep {
    const float *error_re, *error_im;  ///< of the whitened error, the older half of the block zero
    const float* near_power;           ///< of what is no feedback, in the same measure
    float retained;                    ///< of a weight's square, from hop to hop: paths change
    float least_uncertainty;           ///< that much of a weight may come out of nothing
};

/// estimate = Σ weight · played.
void estimate_feedback(const CancellerSpectra& spectra, float* estimate_re,
                       float* estimate_im) noexcept SIDETONE_REALTIME;

/// One step of the diagonal Kalman filter:
///
///     D = Σ |U|² P + 2 N,  W += P conj(U) E / D,  P = A² (1 - |U|² P / 2D) P + (1 - A²) |W|², or the least
///     uncertainty.
void adapt_canceller(const CancellerSpectra& spectra, const CancellerStep& step) noexcept SIDETONE_REALTIME;

}  // namespace sidetone::dsp
