// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {

/// MatMul or Gemm of what DequantizeLinear made of bytes, by weights that it made of constant bytes: as a product of
/// those bytes. False, with nothing done, where the node is no such product.
[[nodiscard]] bool lower_dequantized_matmul(NodeLowering& node);
[[nodiscard]] bool lower_dequantized_gemm(NodeLowering& node);

/// What DequantizeLinear read, with one scale and zero point that are known.
struct DequantizedInput {
    ValueId bytes;
    float scale;
    std::int32_t zero_point;
};

/// Nothing where `x` is computed by anything else.
[[nodiscard]] std::optional<DequantizedInput> dequantized_input(const NodeLowering& node, ValueId x);

}  // namespace sidetone::nn::native
