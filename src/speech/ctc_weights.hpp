// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "rt/realtime.hpp"
#include "speech/phones.hpp"

/// The scale that prefix beam searches count on: the best hypothesis is about 1, and each frame's posteriors are
/// relative to the frame's largest.
///
/// A search that is live runs once in 20 ms or more, and finds the caches empty. What takes its time then is how many
/// lines of code and tables it touches: so there are no calls of the C library here, whose exponential alone reads a
/// table of 2 kB.
namespace sidetone::speech {

/// What is smaller than this cannot come back, and must not become a denormal number.
inline constexpr double kNothing = 1e-200;
/// ln of the smallest posterior, relative to the frame's largest, that is told from 0 (1e-60).
inline constexpr double kImpossible = -138;

[[nodiscard]] inline double told_from_zero(double value) noexcept {
    return value > kNothing ? value : 0.0;
}

/// e^x within 1e-14 of it; 0 below -700 and for NaN, e^700 above 700.
[[nodiscard]] inline double exponential(double x) noexcept SIDETONE_REALTIME {
    // x = n ln 2 + rest with |rest| <= ln 2 / 2, and the series of e^rest. What is added has its last bit at 1, so the
    // sum's last bits are n.
    constexpr double kRound = 0x1.8p52;
    constexpr double kLn2High = 0x1.62e42fee00000p-1, kLn2Low = 0x1.a39ef35793c76p-33;
    constexpr double kMost = 700;
    const bool is_something = x > -kMost;
    const double bounded = is_something ? (x < kMost ? x : kMost) : 0;
    const double shifted = bounded * 0x1.71547652b82fep0 + kRound;
    const double n = shifted - kRound;
    const double rest = (bounded - n * kLn2High) - n * kLn2Low;
    // Two chains that do not wait for one another.
    const double square = rest * rest;
    const double odd =
        1 + square * (1.0 / 6 + square * (1.0 / 120 +
                                          square * (1.0 / 5040 + square * (1.0 / 362880 + square * (1.0 / 39916800)))));
    const double even =
        1 + square * (1.0 / 2 +
                      square * (1.0 / 24 + square * (1.0 / 720 + square * (1.0 / 40320 + square * (1.0 / 3628800)))));
    const double series = even + rest * odd;
    const double power = std::bit_cast<double>((std::bit_cast<std::uint64_t>(shifted) + 1023) << 52U);
    return is_something ? series * power : 0.0;
}

/// The exponent of a positive normal number: the greatest e with 2^e <= value.
[[nodiscard]] inline int exponent_of(double value) noexcept {
    return static_cast<int>(std::bit_cast<std::uint64_t>(value) >> 52U) - 1023;
}

/// 2^exponent, from -1022 to 1023.
[[nodiscard]] inline double power_of_two(int exponent) noexcept {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U);
}

/// Weights of a frame's log-probabilities, one for each of `weights`. Returns the largest logarithm; nothing, with the
/// weights as they were, where it is not finite. NaN weighs nothing.
[[nodiscard]] inline std::optional<float> weigh_frame(const float* log_probs,
                                                      std::span<double> weights) noexcept SIDETONE_REALTIME {
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t c = 0; c < weights.size(); ++c) largest = log_probs[c] > largest ? log_probs[c] : largest;
    if (!std::isfinite(largest)) return std::nullopt;
    for (std::size_t c = 0; c < weights.size(); ++c) {
        const double relative = static_cast<double>(log_probs[c]) - static_cast<double>(largest);
        weights[c] = relative > kImpossible ? exponential(relative) : 0.0;
    }
    return largest;
}

/// Sorts few values by insertion, which is a fraction of the code that a sort of many takes.
template <class Value, class IsBefore>
void sort_few(std::span<Value> values, IsBefore is_before) noexcept SIDETONE_REALTIME {
    for (std::size_t n = 1; n < values.size(); ++n) {
        const Value moved = values[n];
        std::size_t at = n;
        for (; at > 0 && is_before(moved, values[at - 1]); --at) values[at] = values[at - 1];
        values[at] = moved;
    }
}

/// Puts tokens in order: the heaviest first, of equal ones the smaller. They are few: those worth beginning in a frame.
inline void sort_by_weight(std::span<Phone> tokens, std::span<const double> weights) noexcept SIDETONE_REALTIME {
    sort_few(tokens, [&](Phone a, Phone b) { return weights[a] != weights[b] ? weights[a] > weights[b] : a < b; });
}

}  // namespace sidetone::speech
