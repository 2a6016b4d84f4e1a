// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <complex>
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
    // One turning phasor instead of a sine and a cosine per sample; over some thousand steps it errs by 1e-13.
    const std::complex<double> turn = std::polar(1.0, 2 * std::numbers::pi * frequency);
    // Normal equations of a·sin + b·cos.
    double ss = 0, sc = 0, cc = 0, sx = 0, cx = 0;
    std::complex<double> phasor = 1;
    for (const float sample : samples) {
        const double s = phasor.imag(), c = phasor.real(), x = sample;
        ss += s * s, sc += s * c, cc += c * c, sx += s * x, cx += c * x;
        phasor *= turn;
    }
    const double determinant = ss * cc - sc * sc;
    const double a = (sx * cc - cx * sc) / determinant, b = (cx * ss - sx * sc) / determinant;
    double residue = 0, signal = 0;
    phasor = 1;
    for (const float sample : samples) {
        const double fitted = a * phasor.imag() + b * phasor.real();
        residue += (sample - fitted) * (sample - fitted);
        signal += fitted * fitted;
        phasor *= turn;
    }
    return {.amplitude = std::hypot(a, b), .phase = std::atan2(b, a), .residue_db = 10 * std::log10(residue / signal)};
}

}  // namespace sidetone::device
