// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nn/native/elementwise_kernels.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {

/// f(x), with the shape and type of x; integers have a sign, an absolute value and a negative only.
[[nodiscard]] ValueId emit_unary(NodeLowering& node, Unary f, ValueId x, float a = 0, float b = 0);

/// f(x, y) of floats or integers, broadcast.
[[nodiscard]] ValueId emit_binary(NodeLowering& node, Binary f, ValueId x, ValueId y);

}  // namespace sidetone::nn::native
