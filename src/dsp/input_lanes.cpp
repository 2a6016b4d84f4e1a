// SPDX-License-Identifier: Apache-2.0
#include "dsp/input_lanes.hpp"

#include <algorithm>

#include "dsp/convolver_kernels.hpp"

namespace sidetone::dsp {

InputLanes::InputLanes(const Shape& shape, rt::Arena& arena)
    : shape_(shape),
      frames_(arena.allocate<float>(shape.groups() * (shape.capacity + shape.behind) * shape.lanes)),
      silence_(arena.allocate<float>(shape.behind)) {}

void InputLanes::write(const float* const* in, std::size_t first, std::size_t frames, std::uint64_t position) noexcept {
    const std::size_t lanes = shape_.lanes;
    const std::size_t offset = position % shape_.capacity;
    for (std::size_t g = 0; g < groups(); ++g) {
        std::array<const float*, kMostLanes> channels{};
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const std::size_t input = g * lanes + lane;
            channels[lane] = input < shape_.inputs ? in[input] + first : silence_.data();
        }
        float* to = group_begin(g) + offset * lanes;
        interleave_lanes(channels, lanes, frames, to);
        // The last frames of the ring lie before its first ones, too.
        if (offset < shape_.capacity - shape_.behind) continue;
        std::copy_n(to, frames * lanes, to - shape_.capacity * lanes);
    }
}

void InputLanes::clear_ahead(std::uint64_t position) noexcept {
    const std::size_t offset = position % shape_.capacity;
    const std::size_t frames = shape_.behind - offset % shape_.behind;
    for (std::size_t g = 0; g < groups(); ++g) {
        std::fill_n(group_begin(g) + offset * shape_.lanes, frames * shape_.lanes, 0.0F);
    }
}

void InputLanes::reset() noexcept {
    std::fill(frames_.begin(), frames_.end(), 0.0F);
}

}  // namespace sidetone::dsp
