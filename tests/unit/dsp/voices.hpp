// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <numbers>
#include <vector>

namespace sidetone::dsp::test {

/// Harmonics of a fundamental that may move, each with an amplitude, as far as they are below `highest_hz`.
struct HarmonicSound {
    double rate_hz = 16'000;
    std::function<double(double seconds)> f0_hz;
    std::function<double(int harmonic, double frequency_hz)> amplitude;
    double highest_hz = 7000;
};

inline std::vector<float> make(const HarmonicSound& sound, double seconds) {
    std::vector<float> samples(static_cast<std::size_t>(seconds * sound.rate_hz));
    double turns = 0;
    for (std::size_t n = 0; n < samples.size(); ++n) {
        const double f0 = sound.f0_hz(static_cast<double>(n) / sound.rate_hz);
        double value = 0;
        for (int k = 1; k * f0 < sound.highest_hz; ++k)
            value += sound.amplitude(k, k * f0) * std::sin(2 * std::numbers::pi * k * turns + k * k);
        samples[n] = static_cast<float>(value);
        turns += f0 / sound.rate_hz;
        turns -= std::floor(turns);
    }
    return samples;
}

/// A resonance of a vocal tract.
struct Resonance {
    double frequency_hz, bandwidth_hz;
};

/// Pulses of a pitch through resonators one after the other (Klatt 1980), each of gain 1 at 0 Hz, and one pole at 50 Hz
/// for what a larynx and lips do together, -6 dB an octave.
inline std::vector<float> vowel(const std::function<double(double seconds)>& f0_hz,
                                const std::vector<Resonance>& resonances, double seconds, double rate_hz = 16'000) {
    std::vector<double> sound(static_cast<std::size_t>(seconds * rate_hz));
    double turns = 0;
    for (std::size_t n = 0; n + 1 < sound.size(); ++n) {
        const double step = f0_hz(static_cast<double>(n) / rate_hz) / rate_hz;
        turns += step;
        if (turns < 1) continue;
        turns -= 1;
        sound[n + 1] += 1 - turns / step;  // a pulse between two samples
        sound[n] += turns / step;
    }
    const auto filter = [&](double b0, double a1, double a2) {
        double y1 = 0, y2 = 0;
        for (auto& x : sound) {
            const double y = b0 * x - a1 * y1 - a2 * y2;
            y2 = y1;
            y1 = x = y;
        }
    };
    const double pole = std::exp(-2 * std::numbers::pi * 50 / rate_hz);
    filter(1 - pole, -pole, 0);
    for (const auto& resonance : resonances) {
        const double radius = std::exp(-std::numbers::pi * resonance.bandwidth_hz / rate_hz);
        const double a1 = -2 * radius * std::cos(2 * std::numbers::pi * resonance.frequency_hz / rate_hz);
        filter(1 + a1 + radius * radius, a1, radius * radius);
    }
    std::vector<float> samples(sound.size());
    for (std::size_t n = 0; n < sound.size(); ++n) samples[n] = static_cast<float>(sound[n]);
    return samples;
}

}  // namespace sidetone::dsp::test
