// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {

/// How a window of taps walks along one dimension. Places before 0 and from `in` on are padding.
struct WindowExtent {
    std::ptrdiff_t in = 1, out = 1, taps = 1;
    std::ptrdiff_t stride = 1, dilation = 1, pad = 0, pad_after = 0;

    /// Where output `at` finds `tap`.
    [[nodiscard]] std::ptrdiff_t place(std::ptrdiff_t at, std::ptrdiff_t tap) const noexcept {
        return at * stride + tap * dilation - pad;
    }
    [[nodiscard]] bool is_inside(std::ptrdiff_t place) const noexcept { return place >= 0 && place < in; }
};

/// Of up to three dimensions; those that are not there have one tap and one place.
using WindowGeometry = std::array<WindowExtent, 3>;

/// Reads strides, dilations, pads, auto_pad and ceil_mode of `node` for an input of shape [batch, channels, …] and
/// `taps` per dimension. Refuses what does not fit.
[[nodiscard]] WindowGeometry window_geometry(const NodeLowering& node, const Shape& x,
                                             const std::vector<std::int64_t>& taps);

}  // namespace sidetone::nn::native
