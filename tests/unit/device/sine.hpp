// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

namespace sidetone::device {

/// The sine of a known frequency (cycles per sample) that fits `samples` best in the least-squares sense, in double
/// precision.
struct SineFit {
    double amplitude = 0;
    double phase = 0;       ///< of amplitude · sin(2π f n + phase)
    double residue_db = 0;  ///< all that is not that sine (distortion, noise, a constant), against it
};

[[nodiscard]] inline SineFit fit_sine(std::span<const float> samples, double frequency) {
    // Normal equations of a·sin + b·cos.
    double ss = 0, sc = 0, cc = 0, sx = 0, cx = 0;
    const auto angle = [&](std::size_t n) { return 2 * std::numbers::pi * frequency * static_cast<double>(n); };
    for (std::size_t n = 0; n < samples.size(); ++n) {
        const double s = std::sin(angle(n)), c = std::cos(angle(n)), x = samples[n];
        ss += s * s, sc += s * c, cc += c * c, sx += s * x, cx += c * x;
    }
    const double determinant = ss * cc - sc * sc;
    const double a = (sx * cc - cx * sc) / determinant, b = (cx * ss - sx * sc) / determinant;
    double residue = 0, signal = 0;
    for (std::size_t n = 0; n < samples.size(); ++n) {
        const double fitted = a * std::sin(angle(n)) + b * std::cos(angle(n));
        residue += (samples[n] - fitted) * (samples[n] - fitted);
        signal += fitted * fitted;
    }
    return {.amplitude = std::hypot(a, b), .phase = std::atan2(b, a), .residue_db = 10 * std::log10(residue / signal)};
}

}  // namespace sidetone::device
