// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace sidetone::nn::native {

/// A byte b stands for (b − zero_point)·scale.
struct Quantization {
    float scale = 1;
    std::int32_t zero_point = 0;
};

/// How DynamicQuantizeLinear brings `x` into bytes without a sign: with 0 and all of `x` in their range.
[[nodiscard]] Quantization quantization_of(const float* x, std::size_t count) noexcept;

/// x/scale to the nearest whole number, halves to the even one, plus the zero point; clipped to what a byte holds.
void quantize(const float* x, std::size_t count, Quantization q, std::uint8_t* out) noexcept;
void quantize(const float* x, std::size_t count, Quantization q, std::int8_t* out) noexcept;

/// out[i] = (x[i] − zero_point)·scale.
void dequantize(const std::uint8_t* x, std::size_t count, Quantization q, float* out) noexcept;
void dequantize(const std::int8_t* x, std::size_t count, Quantization q, float* out) noexcept;
void dequantize(const std::int32_t* x, std::size_t count, Quantization q, float* out) noexcept;

/// out[i] = sums[i]·scales[i]·factor + shifts[i], no less than `lower_bound`; `out` may be where `sums` is.
void scale_sums(const std::int32_t* sums, std::size_t count, const float* scales, float factor, const float* shifts,
                float lower_bound, float* out) noexcept;

}  // namespace sidetone::nn::native
