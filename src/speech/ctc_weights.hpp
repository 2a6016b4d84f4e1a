// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>

#include "rt/realtime.hpp"

/// The scale that prefix beam searches count on: the best hypothesis is about 1, and each frame's posteriors are
/// relative to the frame's largest.
namespace sidetone::speech {

/// What is smaller than this cannot come back, and must not become a denormal number.
inline constexpr double kNothing = 1e-200;
/// ln of the smallest posterior, relative to the frame's largest, that is told from 0 (1e-60).
inline constexpr double kImpossible = -138;

[[nodiscard]] inline double told_from_zero(double value) noexcept {
    return value > kNothing ? value : 0.0;
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
        weights[c] = relative > kImpossible ? std::exp(relative) : 0.0;
    }
    return largest;
}

}  // namespace sidetone::speech
