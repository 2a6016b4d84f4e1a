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

std::complex<float> root_of_unity(std::size_t k, std::size_t n) {
    const double angle = -2.0 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
    return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

std::size_t next_radix(std::size_t rest) {
    for (const std::size_t radix : {4U, 3U, 2U}) {
        if (rest % radix == 0) return radix;
    }
    return 1;
}

/// One decimation-in-frequency pass: y[q + s(r p + k)] = w^(p k) Σ_l x[q + s(p + m l)] exp(-2πi k l / r).
void pass(std::size_t radix, std::size_t stride, std::size_t groups, const float* twiddles, const float* in_re,
          const float* in_im, float* out_re, float* out_im) noexcept {
    for (std::size_t p = 0; p < groups; ++p) {
        for (std::size_t q = 0; q < stride; ++q) {
            for (std::size_t k = 0; k < radix; ++k) {
                std::complex<float> sum{};
                for (std::size_t l = 0; l < radix; ++l) {
                    const std::size_t at = q + stride * (p + groups * l);
                    const std::size_t turn = (k * l) % radix;
                    const std::complex<float> x{in_re[at], in_im[at]};
                    constexpr float kHalfRoot3 = 0.86602540378443864676F;
                    if (turn == 0)
                        sum += x;
                    else if (radix == 2 || (radix == 4 && turn == 2))
                        sum -= x;
                    else if (radix == 4)
                        sum += turn == 1 ? std::complex<float>{x.imag(), -x.real()}
                                         : std::complex<float>{-x.imag(), x.real()};
                    else
                        sum += x * std::complex<float>{-0.5F, turn == 1 ? -kHalfRoot3 : kHalfRoot3};
                }
                const float* w = twiddles + 2 * (p * radix + k);
                const auto y = sum * std::complex<float>{w[0], w[1]};
                out_re[q + stride * (radix * p + k)] = y.real();
                out_im[q + stride * (radix * p + k)] = y.imag();
            }
        }
    }
}

}  // namespace

bool RealFft::supports(std::size_t size) noexcept {
    if (size < kSmallest || size > kLargest || size % 32 != 0) return false;
    while (size % 2 == 0) size /= 2;
    while (size % 3 == 0) size /= 3;
    return size == 1;
}

RealFft::RealFft(std::size_t size) : size_(size) {
    if (!supports(size)) {
        throw std::invalid_argument("FFT size " + std::to_string(size) +
                                    " is not supported; expected 2^a 3^b, a >= 5, from 64 to 4096");
    }
    std::size_t rest = size / 2;
    std::size_t stride = 1;
    while (rest > 1) {
        const std::size_t radix = next_radix(rest);
        const std::size_t groups = rest / radix;
        passes_.push_back({radix, stride, groups, twiddles_.size()});
        for (std::size_t p = 0; p < groups; ++p) {
            for (std::size_t k = 0; k < radix; ++k) {
                const auto w = root_of_unity(p * k, rest);
                twiddles_.push_back(w.real());
                twiddles_.push_back(w.imag());
            }
        }
        rest = groups;
        stride *= radix;
    }
    split_.resize(2 * (size / 4 + 1));
    for (std::size_t k = 0; k <= size / 4; ++k) {
        split_[k] = root_of_unity(k, size).real();
        split_[size / 4 + 1 + k] = root_of_unity(k, size).imag();
    }
    scratch_.resize(2 * size);
}

void RealFft::forward(const float* in, std::complex<float>* out) noexcept {
    const std::size_t half = size_ / 2;
    float* from = scratch_.data();
    float* to = from + size_;
    for (std::size_t n = 0; n < half; ++n) {
        from[n] = in[2 * n];
        from[half + n] = in[2 * n + 1];
    }
    for (const auto& p : passes_) {
        pass(p.radix, p.stride, p.groups, twiddles_.data() + p.twiddles, from, from + half, to, to + half);
        std::swap(from, to);
    }
    out[0] = {from[0] + from[half], 0.0F};
    out[half] = {from[0] - from[half], 0.0F};
    for (std::size_t k = 1; k <= half / 2; ++k) {
        const std::complex<float> a{from[k], from[half + k]};
        const std::complex<float> b{from[half - k], -from[half + half - k]};
        const std::complex<float> w{split_[k], split_[half / 2 + 1 + k]};
        const auto even = 0.5F * (a + b);
        const auto odd = std::complex<float>{0.0F, -0.5F} * (a - b) * w;
        out[k] = even + odd;
        out[half - k] = std::conj(even - odd);
    }
}

void RealFft::inverse(const std::complex<float>* in, float* out) noexcept {
    const std::size_t half = size_ / 2;
    float* from = scratch_.data();
    float* to = from + size_;
    const float scale = 1.0F / static_cast<float>(size_);
    from[0] = (in[0].real() + in[half].real()) * scale;
    from[half] = (in[0].real() - in[half].real()) * scale;
    for (std::size_t k = 1; k <= half / 2; ++k) {
        const auto a = in[k];
        const auto b = std::conj(in[half - k]);
        const std::complex<float> w{split_[k], -split_[half / 2 + 1 + k]};
        const auto even = (a + b) * scale;
        const auto odd = std::complex<float>{0.0F, 1.0F} * ((a - b) * w) * scale;
        from[k] = (even + odd).real();
        from[half + k] = (even + odd).imag();
        from[half - k] = (even - odd).real();
        from[half + half - k] = -(even - odd).imag();
    }
    // An inverse transform is the forward one with real and imaginary parts exchanged on both sides.
    for (const auto& p : passes_) {
        pass(p.radix, p.stride, p.groups, twiddles_.data() + p.twiddles, from + half, from, to + half, to);
        std::swap(from, to);
    }
    for (std::size_t n = 0; n < half; ++n) {
        out[2 * n] = from[n];
        out[2 * n + 1] = from[half + n];
    }
}

}  // namespace sidetone::dsp
