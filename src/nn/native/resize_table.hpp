// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sidetone::nn::native {

/// How Resize finds the places that it reads, as the operator's attributes say it.
struct ResizeRule {
    std::string coordinates = "half_pixel", mode = "nearest", nearest = "round_prefer_floor";
    float cubic_a = -0.75F;
    bool excludes_outside = false;
};

/// One axis, and what is made of it.
struct ResizeAxis {
    std::int64_t in = 1, out = 1;
    float scale = 1;
    float roi_start = 0, roi_end = 1;  ///< of tf_crop_and_resize
};

/// What every place of a resized axis is a weighted sum of.
struct ResizeTable {
    std::size_t taps = 1;
    std::vector<std::uint32_t> places;  ///< [out, taps]
    std::vector<float> weights;         ///< [out, taps]
    std::vector<bool> is_outside;       ///< [out]: there is nothing to read
};

/// True where all of the rule's names are known.
[[nodiscard]] bool is_known(const ResizeRule& rule);

/// The table of one axis: ONNX, operator Resize, and where that leaves it open, what ONNX Runtime does. Sizes are
/// positive, numbers finite.
[[nodiscard]] ResizeTable resize_table(const ResizeRule& rule, const ResizeAxis& axis);

}  // namespace sidetone::nn::native
