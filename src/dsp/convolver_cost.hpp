// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

/// What the parts of a convolver cost, in instructions (AVX-512, counted): good enough to choose between partitions and
/// to cut work into even slices.
namespace sidetone::dsp::cost {

inline constexpr std::size_t kButterfly4 = 48;
inline constexpr std::size_t kButterfly2 = 22;

/// A batch of 16 points for one response or a pair, `used` partitions over all groups of inputs.
constexpr std::size_t products(std::size_t used, std::size_t outputs) {
    return 16 * (used * (3 + 6 * outputs) + 20 + 12 * outputs) + 130 * outputs;
}

/// A tile of the inverse transform.
constexpr std::size_t tile(std::size_t columns) {
    return columns * columns * 2 + 30;
}

/// A frame in time: `taps` over all groups of inputs, one response or a pair.
constexpr std::size_t direct(std::size_t taps, std::size_t outputs) {
    return taps * (5 + 6 * outputs) / 4 + 12 * outputs;
}

}  // namespace sidetone::dsp::cost
