// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace sidetone::dsp::test {

/// Gaussian, unit variance times `gain`, the same for the same seed.
inline std::vector<float> white_noise(std::size_t count, std::uint32_t seed, float gain = 1.0F) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0.0F, gain);
    std::vector<float> noise(count);
    for (auto& sample : noise) sample = normal(generator);
    return noise;
}

/// sin(2π f n / rate), n = first …
inline std::vector<float> sine(double frequency_hz, double rate_hz, std::int64_t first, std::size_t count) {
    std::vector<float> signal(count);
    for (std::size_t n = 0; n < count; ++n) {
        const double turns = frequency_hz * static_cast<double>(first + static_cast<std::int64_t>(n)) / rate_hz;
        signal[n] = static_cast<float>(std::sin(2 * std::numbers::pi * turns));
    }
    return signal;
}

}  // namespace sidetone::dsp::test
