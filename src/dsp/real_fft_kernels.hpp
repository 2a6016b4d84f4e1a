// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <span>

namespace sidetone::dsp {

/// One decimation-in-frequency Stockham pass over a complex signal of N = stride · radix · groups values:
///
///     y[q + stride (radix p + k)] = w^(p k) Σ_l x[q + stride (p + groups l)] exp(-2πi k l / radix),
///     w = exp(-2πi / (radix · groups)), q = 0 … stride - 1, p = 0 … groups - 1.
///
/// The first two passes are of radix 4 and strides 1 and 4: there a vector spans several p.
struct FftPass {
    std::size_t radix, stride, groups;
    /// Offset of its factors w^(p k), k = 1 … radix - 1. For strides below 16: for each k an array over q + stride p of
    /// the real parts, then one of the imaginary parts. For wider ones: for each p the 2 (radix - 1) numbers side by
    /// side.
    std::size_t twiddles;
};

/// What the kernels need to know of a transform of 2 · half real samples.
struct FftPlan {
    std::size_t half;
    std::span<const FftPass> passes;
    const float* twiddles;
    const float* split;  ///< cos, then sin, of 2πk/(2 half), k = 0 … half/2 - 1
    float* scratch;      ///< 4 · fft_scratch_stride(half) floats
};

/// Floats between the real and imaginary parts in the scratch. One value more than the signal is needed (its periodic
/// continuation); a whole cache line more keeps the arrays aligned and off each other's cache sets.
[[nodiscard]] constexpr std::size_t fft_scratch_stride(std::size_t half) noexcept {
    return half + 16;
}

/// The transforms of RealFft, by the widest vectors that the processor has.
void fft_forward(const FftPlan& plan, const float* in, std::complex<float>* out) noexcept;
void fft_inverse(const FftPlan& plan, const std::complex<float>* in, float* out) noexcept;

}  // namespace sidetone::dsp
