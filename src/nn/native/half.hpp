// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

namespace sidetone::nn::native {

/// The value of a float of 16 bits (IEEE 754 binary16).
[[nodiscard]] inline float float_of_half(std::uint16_t half) noexcept {
    const auto sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
    const std::uint32_t exponent = (half >> 10U) & 0x1FU;
    const std::uint32_t mantissa = half & 0x3FFU;
    if (exponent == 0) {
        const float size = std::ldexp(static_cast<float>(mantissa), -24);
        return sign != 0 ? -size : size;
    }
    // Infinities and what is no number have all bits of the exponent in both formats.
    const std::uint32_t wide = exponent == 0x1F ? 0xFFU : exponent + 127 - 15;
    return std::bit_cast<float>(sign | wide << 23U | mantissa << 13U);
}

/// The float of 16 bits that has exactly this value; nothing where there is none, or where it is not finite.
[[nodiscard]] inline std::optional<std::uint16_t> half_of(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>((bits >> 16U) & 0x8000U);
    const auto size = std::abs(value);
    constexpr float kLeastNormal = 0x1p-14F;
    if (!(size < 0x1p16F)) return std::nullopt;
    if (size < kLeastNormal) {
        const float steps = std::ldexp(size, 24);
        if (steps != std::floor(steps)) return std::nullopt;
        return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(steps));
    }
    if ((bits & 0x1FFFU) != 0) return std::nullopt;
    const auto exponent = ((bits >> 23U) & 0xFFU) - 127 + 15;
    return static_cast<std::uint16_t>(sign | exponent << 10U | ((bits >> 13U) & 0x3FFU));
}

}  // namespace sidetone::nn::native
