// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {

/// What is added to one dimension; below 0, what is cut off.
struct Border {
    std::int64_t before = 0, after = 0;
};

/// A value that is another one with zeros around it.
struct ZeroBorder {
    ValueId inside;
    std::vector<Border> borders;  ///< one per dimension, none below 0
};

/// What `x` surrounds with zeros, where a Pad makes it so: for operators that can pad for themselves.
[[nodiscard]] std::optional<ZeroBorder> zero_border(const NodeLowering& node, ValueId x);

}  // namespace sidetone::nn::native
