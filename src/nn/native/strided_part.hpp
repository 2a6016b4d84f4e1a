// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "nn/native/loop_nest.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {

/// A value of `shape` with the elements of `x` that `strides` walk from `first` on: a view where they lie in one piece,
/// else a copy. A stride of 0 repeats, a negative one goes backwards.
[[nodiscard]] ValueId emit_part(NodeLowering& node, ValueId x, const Shape& shape, const Strides& strides,
                                std::ptrdiff_t first = 0);

}  // namespace sidetone::nn::native
