// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {

/// Conv of what DequantizeLinear made of bytes, by weights that it made of constant bytes: as a convolution of those
/// bytes. False, with nothing done, where the node is none, or is faster with floats.
[[nodiscard]] bool lower_dequantized_convolution(NodeLowering& node);

}  // namespace sidetone::nn::native
