// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "dsp/lane_transform.hpp"

namespace sidetone::dsp {

// The stages of LaneTransform, each in parts, so that the work of a long transform can be spread over many callbacks.
// `first` and `count` say which butterflies (points / radix of them). Audio thread; no heap, constant work.

/// Signals side by side: a point is `lanes` real parts, then as many imaginary parts. `lanes` is 1, 4, 8 or 16, and not
/// more than widest_lanes().
struct LaneSignals {
    std::size_t lanes;
    float* points;
};

/// Stage 0, from two blocks of samples, frame after frame of `lanes` samples, into `z`.
void forward_first_stage(const LaneTransform& transform, const float* older, const float* newer, LaneSignals z,
                         std::size_t first, std::size_t count) noexcept;
/// Any stage between, in place.
void forward_stage(const LaneTransform& transform, std::size_t stage, LaneSignals z, std::size_t first,
                   std::size_t count) noexcept;
/// The last stage: the point in row r and column c goes to `out` + (r · columns + c) · apart.
void forward_last_stage(const LaneTransform& transform, LaneSignals z, float* out, std::size_t apart, std::size_t first,
                        std::size_t count) noexcept;

/// A stage of the inverse within the columns, in place: rows of `columns` real parts, then as many imaginary parts.
/// The stages are undone from the last to first_within(). `first` and `count` go over rows / radix.
void inverse_stage(const LaneTransform& transform, std::size_t stage, float* rows, std::size_t first,
                   std::size_t count) noexcept;
/// The remaining stages, for tiles of columns · columns points; `first` and `count` go over rows / columns. Of the
/// result, which is `points` times too large, only the newer samples are made.
void inverse_tiles(const LaneTransform& transform, const float* rows, float* newer, std::size_t first,
                   std::size_t count) noexcept;

}  // namespace sidetone::dsp
