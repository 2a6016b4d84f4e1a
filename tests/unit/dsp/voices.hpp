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

}  // namespace sidetone::dsp::test
