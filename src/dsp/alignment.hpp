// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace sidetone::dsp {

/// The lag d, |d| <= max_delay, for which delayed[n + d] resembles reference[n] most: the largest normalised
/// cross-correlation
///
///     Σ reference[n] · delayed[n + d] / sqrt(Σ reference[n]² · Σ delayed[n + d]²),
///
/// all sums over the samples that both have. Positive: `delayed` is late. A lag that leaves less than a tenth of either
/// signal's energy in the overlap is not considered, since a few samples always resemble each other. 0 when a signal is
/// silent.
///
/// O(n log n) in the sum of the lengths, double precision. Throws std::invalid_argument for a negative `max_delay`.
/// Never on an audio thread.
[[nodiscard]] std::int64_t delay_by_cross_correlation(std::span<const float> reference, std::span<const float> delayed,
                                                      std::int64_t max_delay);

}  // namespace sidetone::dsp
