// SPDX-License-Identifier: Apache-2.0
#include "dsp/real_fft.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {

namespace {

constexpr std::size_t kSmallest = 64;
constexpr std::size_t kLargest = 4096;
constexpr std::size_t kWideStride = 16;  // from here on a vector lies within one group

std::complex<float> root_of_unity(std::size_t k, std::size_t n) {
    const double angle = -2.0 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
    return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

std::size_t next_radix(std::size_t rest) {
    if (rest % 4 == 0) return 4;
    if (rest % 3 == 0) return 3;
    return rest % 2 == 0 ? 2 : 5;
}

/// One array over q + stride · p per number: vectors that span several groups load them as they lie.
void append_narrow_twiddles(const FftPass& pass, AlignedVector<float>& twiddles) {
    const std::size_t length = pass.radix * pass.groups;
    for (std::size_t k = 1; k < pass.radix; ++k) {
        for (const bool imaginary : {false, true}) {
            for (std::size_t j = 0; j < pass.stride * pass.groups; ++j) {
                const auto factor = root_of_unity(j / pass.stride * k, length);
                twiddles.push_back(imaginary ? factor.imag() : factor.real());
            }
        }
    }
}

/// The numbers of one group side by side: each is spread over a vector.
void append_wide_twiddles(const FftPass& pass, AlignedVector<float>& twiddles) {
    for (std::size_t p = 0; p < pass.groups; ++p) {
        for (std::size_t k = 1; k < pass.radix; ++k) {
            const auto factor = root_of_unity(p * k, pass.radix * pass.groups);
            twiddles.push_back(factor.real());
            twiddles.push_back(factor.imag());
        }
    }
}

}  // namespace

bool RealFft::supports(std::size_t size) noexcept {
    if (size < kSmallest || size > kLargest || size % 32 != 0) return false;
    while (size % 2 == 0) size /= 2;
    while (size % 3 == 0) size /= 3;
    return size == 1 || size == 5;
}

RealFft::RealFft(std::size_t size) : size_(size) {
    if (!supports(size)) {
        throw std::invalid_argument("FFT size " + std::to_string(size) +
                                    " is not supported; expected 2^a 3^b or 2^a 3^b 5, a >= 5, from 64 to 4096");
    }
    const std::size_t half = size / 2;
    for (std::size_t stride = 1; stride < half; stride *= passes_.back().radix) {
        const std::size_t radix = next_radix(half / stride);
        passes_.push_back({radix, stride, half / stride / radix, twiddles_.size()});
        (stride < kWideStride ? append_narrow_twiddles : append_wide_twiddles)(passes_.back(), twiddles_);
    }
    split_.resize(half);
    for (std::size_t k = 0; k < half / 2; ++k) {
        split_[k] = root_of_unity(k, size).real();
        split_[half / 2 + k] = -root_of_unity(k, size).imag();
    }
    scratch_.resize(4 * fft_scratch_stride(half));
}

[[gnu::hot]] void RealFft::forward(const float* in, std::complex<float>* out) noexcept {
    fft_forward(plan(), in, out);
}

[[gnu::hot]] void RealFft::inverse(const std::complex<float>* in, float* out) noexcept {
    fft_inverse(plan(), in, out);
}

[[gnu::hot]] FftPlan RealFft::plan() noexcept {
    return {.half = size_ / 2,
            .passes = passes_,
            .twiddles = twiddles_.data(),
            .split = split_.data(),
            .scratch = scratch_.data()};
}

}  // namespace sidetone::dsp
