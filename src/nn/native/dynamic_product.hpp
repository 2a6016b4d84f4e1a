// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "nn/native/byte_product.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {

/// Mul(Cast(sums), Mul(scale, weight_scales)), where `step` makes the sums of bytes that DynamicQuantizeLinear, with
/// that scale and a zero point that `step` reads, made of the floats `x`.
struct DynamicProduct {
    Step step;
    ValueId x = 0, cast = 0, weight_scales = 0;

    /// What makes floats of the sums, where there is one scale or one for each of `channels`, which `after` axes
    /// follow.
    [[nodiscard]] std::optional<FloatResult> result(const NodeLowering& node, std::size_t channels,
                                                    std::size_t after) const;
};

/// Such a product as one step from floats to floats. Nothing where the node is none.
[[nodiscard]] std::optional<ValueId> fused_dynamic_product(NodeLowering& node);
/// The same for a ConvInteger.
[[nodiscard]] std::optional<ValueId> fused_dynamic_convolution(NodeLowering& node, const DynamicProduct& product);

}  // namespace sidetone::nn::native
