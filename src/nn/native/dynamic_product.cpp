// SPDX-License-Identifier: Apache-2.0
#include "nn/native/dynamic_product.hpp"

#include <utility>

#include "nn/native/quantized_weights.hpp"

namespace sidetone::nn::native {
namespace {

std::optional<DynamicProduct> dynamic_product(const NodeLowering& node, ValueId product, ValueId scale) {
    const auto* cast = node.producer(product, "Cast");
    const auto* scales = node.producer(scale, "Mul");
    if (cast == nullptr || scales == nullptr) return std::nullopt;
    const auto* sums = node.producer(cast->operands[0]);
    if (sums == nullptr || sums->reads < 2) return std::nullopt;
    const auto* quantize = node.producer(sums->operands[0], "DynamicQuantizeLinear");
    if (quantize == nullptr) return std::nullopt;
    auto input_scale = scales->operands[0];
    auto weight_scales = scales->operands[1];
    if (node.is_constant(input_scale)) std::swap(input_scale, weight_scales);
    if (!node.is_constant(weight_scales) || quantize->operands[1] != sums->operands[0] ||
        quantize->operands[2] != input_scale || quantize->operands[3] != sums->operands[1] ||
        node.broadcast(node.shape(product), node.shape(scale)) != node.shape(product)) {
        return std::nullopt;
    }
    return DynamicProduct{*sums, quantize->operands[0], product, weight_scales};
}

std::optional<ValueId> fused_dynamic_matmul(NodeLowering& node, const DynamicProduct& product) {
    const auto* found = kernel_of<ByteProductKernel<ByteSource<std::uint8_t>, IntegerResult>>(product.step);
    if (found == nullptr || !found->source.reads_zero_point) return std::nullopt;
    const auto& weights = found->weights;
    auto result = product.result(node, weights.rows(), 0);
    if (!result) return std::nullopt;
    const auto out = node.add_value(DataType::f32, node.shape(product.cast));
    const auto scratch = std::span{product.step.operands}.last(2);
    const auto bytes = node.add_value(DataType::u8, node.shape(scratch[0]));
    const auto sums = node.add_value(DataType::i32, node.shape(scratch[1]));
    node.emit(
        ByteProductKernel<FloatSource, FloatResult>{FloatSource{}, *std::move(result), found->weights, found->count},
        {product.x}, {out, bytes, sums});
    return out;
}

}  // namespace

std::optional<FloatResult> DynamicProduct::result(const NodeLowering& node, std::size_t channels,
                                                  std::size_t after) const {
    const auto scales = node.floats(weight_scales);
    const auto& shape = node.shape(weight_scales);
    const bool are_per_channel = scales.size() == channels && shape.size() > after &&
                                 shape[shape.size() - 1 - after] == static_cast<std::int64_t>(channels);
    if (scales.size() != 1 && !are_per_channel) return std::nullopt;
    return FloatResult{.scales = one_per_row<float>(node, scales, channels, 1.0F),
                       .shifts = ProgramVector<float>(channels, 0.0F)};
}

std::optional<ValueId> fused_dynamic_product(NodeLowering& node) {
    for (const std::size_t i : {0U, 1U}) {
        const auto product = dynamic_product(node, node.input(i), node.input(1 - i));
        if (!product) continue;
        if (const auto out = fused_dynamic_matmul(node, *product)) return out;
        if (const auto out = fused_dynamic_convolution(node, *product)) return out;
    }
    return std::nullopt;
}

}  // namespace sidetone::nn::native
