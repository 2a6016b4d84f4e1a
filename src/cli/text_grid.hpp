// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace sidetone::cli {

/// What a tier has between two times; the tier is empty elsewhere.
struct TextGridInterval {
    double start_s = 0, end_s = 0;
    std::string text;
};
struct TextGridTier {
    std::string name;
    std::vector<TextGridInterval> intervals;  ///< in order, none beginning before the one before it ends
};

/// A TextGrid in Praat's long text format: interval tiers, each covering 0 to `seconds`. Intervals that are shorter
/// than a microsecond are left out, for Praat takes none that is empty.
[[nodiscard]] std::string text_grid(const std::vector<TextGridTier>& tiers, double seconds);

}  // namespace sidetone::cli
