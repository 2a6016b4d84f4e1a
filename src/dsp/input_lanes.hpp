// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "rt/arena.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// The recent past of a convolver's inputs, side by side in the lanes of vectors: a ring for each group of inputs.
/// Blocks whose length divides the capacity never wrap, and up to `behind` frames before any frame are contiguous with
/// it. Audio thread.
class InputLanes {
public:
    struct Shape {
        std::size_t inputs = 0;
        std::size_t lanes = 0;
        std::size_t capacity = 0;  ///< frames, a multiple of `behind`
        std::size_t behind = 0;    ///< frames; a segment never crosses a multiple of it

        [[nodiscard]] std::size_t groups() const noexcept { return (inputs + lanes - 1) / lanes; }
        [[nodiscard]] std::size_t floats() const noexcept { return groups() * (capacity + behind) * lanes + behind; }
    };

    /// Memory from `arena`: floats() of them.
    InputLanes(const Shape& shape, rt::Arena& arena);

    /// Stores `frames` frames that begin at `position`, from `first` on of each channel.
    void write(const float* const* in, std::size_t first, std::size_t frames,
               std::uint64_t position) noexcept SIDETONE_REALTIME;
    /// Silence from `position` to before the next multiple of `behind`.
    void clear_ahead(std::uint64_t position) noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    /// The frame at `position` of a group.
    [[nodiscard]] const float* at(std::size_t group, std::uint64_t position) const noexcept SIDETONE_REALTIME {
        return group_begin(group) + position % shape_.capacity * shape_.lanes;
    }
    [[nodiscard]] std::size_t groups() const noexcept { return shape_.groups(); }
    [[nodiscard]] std::size_t lanes() const noexcept { return shape_.lanes; }
    [[nodiscard]] std::size_t group_stride() const noexcept { return (shape_.capacity + shape_.behind) * shape_.lanes; }

private:
    [[nodiscard]] float* group_begin(std::size_t group) const noexcept {
        return frames_.data() + group * group_stride() + shape_.behind * shape_.lanes;
    }

    Shape shape_;
    std::span<float> frames_, silence_;
};

}  // namespace sidetone::dsp
