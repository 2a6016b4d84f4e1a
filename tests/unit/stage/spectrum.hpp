// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

namespace sidetone::stage::test {

inline std::vector<float> sine(double frequency_hz, std::size_t frames, double amplitude = 1, double rate_hz = 48'000) {
    std::vector<float> signal(frames);
    for (std::size_t n = 0; n < frames; ++n) {
        const double turns = frequency_hz * static_cast<double>(n) / rate_hz;
        signal[n] = static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * turns));
    }
    return signal;
}

/// What a Hann window over `signal` lets through at `frequency_hz`: the amplitude, and phase, of a sine there.
inline std::complex<double> amplitude_at(std::span<const float> signal, double frequency_hz, double rate_hz = 48'000) {
    std::complex<double> sum = 0;
    double weight = 0;
    for (std::size_t n = 0; n < signal.size(); ++n) {
        const double place = static_cast<double>(n) / static_cast<double>(signal.size());
        const double window = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * place);
        sum += window * static_cast<double>(signal[n]) *
               std::polar(1.0, -2 * std::numbers::pi * frequency_hz * static_cast<double>(n) / rate_hz);
        weight += window;
    }
    return 2.0 * sum / weight;
}

/// Power above `from_hz` against all power, in dB, under a Blackman window: what a click under a low tone leaves there.
inline double power_above_db(std::span<const float> signal, double from_hz, double rate_hz = 48'000) {
    const std::size_t length = signal.size();
    std::vector<double> windowed(length);
    double power = 0;
    for (std::size_t n = 0; n < length; ++n) {
        const double turn = 2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(length);
        windowed[n] = signal[n] * (0.42 - 0.5 * std::cos(turn) + 0.08 * std::cos(2 * turn));
        power += windowed[n] * windowed[n];
    }
    double above = 0;
    const auto first = static_cast<std::size_t>(from_hz / rate_hz * static_cast<double>(length));
    for (std::size_t k = first; k < length / 2; ++k) {
        const auto step = std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(length));
        std::complex<double> turn = 1;
        std::complex<double> sum = 0;
        for (const double sample : windowed) {
            sum += sample * turn;
            turn *= step;
        }
        above += 2 * std::norm(sum) / static_cast<double>(length);
    }
    return 10 * std::log10(above / power);
}

}  // namespace sidetone::stage::test
