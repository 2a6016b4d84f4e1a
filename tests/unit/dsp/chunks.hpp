// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace sidetone::dsp::test {

/// Largest chunks to try where chunks must not matter.
inline constexpr std::array<std::size_t, 8> kChunks{2, 3, 7, 160, 161, 480, 1023, 4000};

/// Calls use(std::span<const float>) with `samples` in order, in chunks of 1 to `largest` of them, the same for the
/// same `largest`.
template <class Use>
void in_chunks(std::span<const float> samples, std::size_t largest, Use&& use) {
    std::mt19937 random(static_cast<std::uint32_t>(largest));
    std::uniform_int_distribution<std::size_t> chunk(1, largest);
    while (!samples.empty()) {
        const auto count = std::min(chunk(random), samples.size());
        use(samples.first(count));
        samples = samples.subspan(count);
    }
}

}  // namespace sidetone::dsp::test
