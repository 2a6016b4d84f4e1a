// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace sidetone::dsp {

/// Taps of a branch are stored in whole units of this many coefficients.
inline constexpr std::size_t kTapUnit = 16;

/// A branch has `taps` >= kTapUnit taps in `units` units. The last unit is laid over the last kTapUnit taps and is zero
/// where it overlaps the one before, so that no input outside the taps is read.
struct PolyphaseBranches {
    const float* coefficients;
    std::size_t taps;
    std::size_t units;
    std::uint32_t phases, step;
};

/// The first output of a stretch: its branch, and the oldest input it depends on.
struct PolyphaseStart {
    const float* oldest;
    std::uint32_t phase;
};

/// `count` outputs, each summed in an order that depends on nothing but the number of taps: bits do not depend on
/// chunks.
using PolyphaseFilter = void (*)(const PolyphaseBranches& branches, PolyphaseStart start, std::size_t count,
                                 float* out);

/// The one for branches like these, on this processor.
[[nodiscard]] PolyphaseFilter polyphase_filter(const PolyphaseBranches& branches) noexcept;

}  // namespace sidetone::dsp
