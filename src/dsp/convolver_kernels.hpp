// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace sidetone::dsp {

// What a convolver does between its transforms. Inputs stand side by side in the lanes of vectors, in groups of `lanes`
// (1, 4, 8 or 16, not more than widest_lanes()). Audio thread; no heap, constant work. Arrays are aligned to vectors.

inline constexpr std::size_t kMostLanes = 16;
/// Points whose products are made in one go.
inline constexpr std::size_t kProductBatch = 16;

/// Writes `frames` samples of each channel frame after frame, `lanes` channels to a frame. Channels: any alignment.
void interleave_lanes(const std::array<const float*, kMostLanes>& channels, std::size_t lanes, std::size_t frames,
                      float* out) noexcept;

/// The spectra of the responses to one output, or to two: for each point, group of inputs, and partition from the
/// first on, the real and imaginary parts, of the first and of the second output.
struct ResponseSpectra {
    std::array<std::size_t, 2> outputs{};
    std::size_t count = 0;              ///< 1 or 2 outputs
    std::span<const std::size_t> used;  ///< for each group, how many partitions are not silent
    std::size_t point_stride = 0;       ///< floats from one point to the next
    const float* points = nullptr;
};

/// Spectra of blocks of the inputs: for each point and group of inputs, `slots` blocks, real and imaginary parts. The
/// newest lies in slot `newest`, the one before it in the next slot, around the end.
struct InputSpectra {
    std::size_t lanes = 0, groups = 0, slots = 0, newest = 0;
    const float* points = nullptr;
};

/// From `first` to before `end`.
struct Partitions {
    std::size_t first, end;
};

/// Where products go, in the order of rows and columns (dsp/lane_transform.hpp): output o's at `first` + o · stride.
struct ProductRows {
    std::size_t columns;
    float* first;
    std::size_t stride;
};

/// For `count` batches of points from `first` on: the sums, over all inputs and over the partitions, of input times
/// response.
void multiply_spectra(const InputSpectra& inputs, std::span<const ResponseSpectra> responses, Partitions partitions,
                      const ProductRows& rows, std::size_t first, std::size_t count) noexcept;

/// The first taps of the responses to one output, or to two: for each group of inputs and tap, `lanes` numbers of the
/// first and of the second output.
struct ResponseTaps {
    std::array<std::size_t, 2> outputs{};
    std::size_t count = 0;
    std::size_t length = 0;
    const float* taps = nullptr;
};

/// Adds to `out` (of `count` outputs, from frame `at` on) the convolution in time of `frames` frames. `newest` points
/// at the first of them in the inputs of the first group; `length` - 1 frames before it must be readable.
void add_direct(const ResponseTaps& response, const float* newest, std::size_t group_stride, std::size_t lanes,
                std::size_t groups, std::size_t frames, const std::array<float*, 2>& out) noexcept;

}  // namespace sidetone::dsp
