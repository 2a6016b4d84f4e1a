// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sidetone::dsp {

// Whole steps of PitchPath. Audio thread; no heap, constant work; any alignment.

/// best[n] = max over |k| <= reach of scores[n + reach + k] - costs[|k|], where reach = costs.size() - 1, and from[n]
/// the n + k it came from; of equal ones the nearest. `scores` holds `count` + 2 reach values.
void best_neighbours(std::span<const float> costs, const float* scores, float* best, std::int32_t* from,
                     std::size_t count) noexcept;

/// out[n] = ln(x[n] + added)
void logarithms(const float* x, float added, float* out, std::size_t count) noexcept;

}  // namespace sidetone::dsp
