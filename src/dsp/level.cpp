// SPDX-License-Identifier: Apache-2.0
#include "dsp/level.hpp"

#include <algorithm>
#include <array>

namespace sidetone::dsp {

Level measure_level(const float* samples, std::size_t count) noexcept {
    // Independent partial results: the compiler may then use a vector without reordering any sum.
    constexpr std::size_t kLanes = 8;
    std::array<float, kLanes> peaks{};
    std::array<float, kLanes> energies{};
    std::size_t n = 0;
    for (; n + kLanes <= count; n += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const float sample = samples[n + lane];
            peaks[lane] = std::max(peaks[lane], std::fabs(sample));
            energies[lane] += sample * sample;
        }
    }
    for (; n < count; ++n) {
        const std::size_t lane = n % kLanes;
        peaks[lane] = std::max(peaks[lane], std::fabs(samples[n]));
        energies[lane] += samples[n] * samples[n];
    }
    Level level;
    float energy = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        level.peak = std::max(level.peak, peaks[lane]);
        energy += energies[lane];
    }
    if (count != 0) level.rms = std::sqrt(energy / static_cast<float>(count));
    return level;
}

}  // namespace sidetone::dsp
