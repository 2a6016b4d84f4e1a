// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "nn/native/byte_convolution.hpp"
#include "nn/native/dynamic_product.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/quantized_convolution.hpp"
#include "nn/native/quantized_matmul.hpp"
#include "nn/native/quantized_weights.hpp"

namespace sidetone::nn::native {
namespace {

/// What a convolution says of itself, checked.
struct Layer {
    ByteConvolution shape;
    Shape out;
    std::size_t outputs;
};

Layer read_layer(const NodeLowering& node, ValueId x, ValueId weights) {
    const auto& x_shape = node.shape(x);
    const auto& w_shape = node.shape(weights);
    if (x_shape.size() < 3 || x_shape.size() > 4 || w_shape.size() != x_shape.size() || elements_of(w_shape) == 0 ||
        elements_of(x_shape) == 0) {
        node.refuse("shapes " + shape_text(x_shape) + " and " + shape_text(w_shape) +
                    " are not in the native executor");
    }
    const auto geometry = window_geometry(node, x_shape, {w_shape.begin() + 2, w_shape.end()});
    const auto groups = node.attribute_or<std::int64_t>("group", 1);
    if (groups < 1 || groups > x_shape[1] || x_shape[1] % groups != 0 || w_shape[0] % groups != 0 ||
        w_shape[1] * groups != x_shape[1]) {
        node.refuse("its weights do not fit its channels");
    }
    Layer layer{.shape = {.batch = static_cast<std::size_t>(x_shape[0]),
                          .groups = static_cast<std::size_t>(groups),
                          .group_inputs = static_cast<std::size_t>(w_shape[1]),
                          .group_outputs = static_cast<std::size_t>(w_shape[0] / groups),
                          .height = geometry[1],
                          .width = geometry[2]},
                .out = {x_shape[0], w_shape[0]},
                .outputs = static_cast<std::size_t>(w_shape[0])};
    if (x_shape.size() == 4) layer.out.push_back(static_cast<std::int64_t>(geometry[1].out));
    layer.out.push_back(static_cast<std::int64_t>(geometry[2].out));
    // Each group's weights are padded: many small ones take far more than they have.
    constexpr std::size_t kMostPerGroup = kMaxTensorBytes / (PackedBytes::kRowGrain * PackedBytes::kDepth);
    const auto padded = layer.outputs + layer.shape.groups * PackedBytes::kRowGrain;
    if (!PackedBytes::fits(layer.shape.group_outputs, layer.shape.inner()) || layer.shape.groups > kMostPerGroup / 4 ||
        layer.shape.inner() + PackedBytes::kDepth > kMaxTensorBytes / padded ||
        ByteConvolution::covered(geometry[1]) > kMaxTensorBytes / ByteConvolution::covered(geometry[2])) {
        node.refuse("its weights or windows are beyond the limits");
    }
    return layer;
}

std::vector<PackedBytes> pack_groups(const NodeLowering& node, const Layer& layer, ValueId weights,
                                     std::span<const std::int32_t> zero_points,
                                     std::span<const std::int32_t> bias = {}) {
    const auto& shape = layer.shape;
    const auto zeros = one_per_row<std::int32_t>(node, zero_points, layer.outputs, 0);
    const auto offsets = one_per_row<std::int32_t>(node, bias, layer.outputs, 0);
    std::vector<PackedBytes> packed;
    for (std::size_t g = 0; g < shape.groups; ++g) {
        const auto first = g * shape.group_outputs;
        packed.push_back(pack_bytes(
            node, weights, shape.group_outputs, shape.inner(),
            [&](std::size_t row, std::size_t k) { return shape.place(first + row, k); },
            std::span{zeros}.subspan(first, shape.group_outputs),
            std::span{offsets}.subspan(first, shape.group_outputs)));
    }
    return packed;
}

ValueId add_bytes(NodeLowering& node, std::size_t count) {
    return node.add_value(DataType::u8, {static_cast<std::int64_t>(count)});
}

template <class Source, class Result>
void emit(NodeLowering& node, ByteConvolutionKernel<Source, Result> kernel, std::vector<ValueId> reads, ValueId out) {
    const auto& shape = kernel.shape;
    const auto& matrix = kernel.weights[0];
    const auto count = static_cast<std::size_t>(shape.width.out);
    const auto plane = add_bytes(node, shape.plane_bytes());
    const auto row = add_bytes(node, static_cast<std::size_t>(shape.width.in));
    const auto windows = add_bytes(node, count * matrix.padded_inner());
    const auto sums = node.add_value(DataType::i32, {static_cast<std::int64_t>(count * matrix.padded_rows())});
    node.emit(std::move(kernel), std::move(reads), {out, plane, row, windows, sums});
}

// By a source of the type of `x`, whose zero point is constant.
template <class Result>
void emit_bytes(NodeLowering& node, ValueId x, std::int32_t zero_point, Result result, const Layer& layer,
                std::vector<PackedBytes> weights, ValueId out) {
    if (node.type(x) == DataType::i8) {
        using Source = ByteSource<std::int8_t>;
        emit(node,
             ByteConvolutionKernel<Source, Result>{
                 {.zero_point = zero_point}, std::move(result), layer.shape, std::move(weights)},
             {x}, out);
    } else {
        node.require_type(x, DataType::u8);
        using Source = ByteSource<std::uint8_t>;
        emit(node,
             ByteConvolutionKernel<Source, Result>{
                 {.zero_point = zero_point}, std::move(result), layer.shape, std::move(weights)},
             {x}, out);
    }
}

void require_bytes(const NodeLowering& node, ValueId bytes, std::size_t zero_point) {
    if (node.type(bytes) != DataType::i8) node.require_type(bytes, DataType::u8);
    if (node.has_input(zero_point)) node.require_type(node.input(zero_point), node.type(bytes));
}

ValueId constant_weights(const NodeLowering& node, std::size_t index) {
    const auto weights = node.input(index);
    if (!node.is_constant(weights)) node.refuse("weights that are not constant are not in the native executor");
    return weights;
}

template <class T>
void emit_integers(NodeLowering& node, const Layer& layer, ValueId out) {
    std::vector<ValueId> reads{node.input(0)};
    const bool has_zero = node.has_input(2);
    if (has_zero) reads.push_back(node.input(2));
    emit(node,
         ByteConvolutionKernel<ByteSource<T>, IntegerResult>{
             {.reads_zero_point = has_zero},
             {},
             layer.shape,
             pack_groups(node, layer, node.input(1), integers_of(node, 3))},
         std::move(reads), out);
}

void lower_integers(NodeLowering& node) {
    const auto x = node.input(0);
    const auto weights = constant_weights(node, 1);
    require_bytes(node, x, 2);
    require_bytes(node, weights, 3);
    if (node.has_input(2) && node.value(node.input(2)).elements() != 1) node.refuse("its zero point is not one number");
    const auto layer = read_layer(node, x, weights);
    const auto out = node.add_value(DataType::i32, layer.out);
    if (node.type(x) == DataType::i8) {
        emit_integers<std::int8_t>(node, layer, out);
    } else {
        emit_integers<std::uint8_t>(node, layer, out);
    }
    node.set_output(0, out);
}

float number(const NodeLowering& node, std::size_t index) {
    const auto values = node.constant<float>(index);
    if (values.size() != 1) node.refuse("its scale is not one number");
    return values[0];
}

template <class T>
void lower_qlinear_to(NodeLowering& node, DataType type) {
    const auto x = node.input(0);
    const auto weights = constant_weights(node, 3);
    require_bytes(node, x, 2);
    require_bytes(node, weights, 5);
    const auto layer = read_layer(node, x, weights);
    ByteResult<T> result{.scales = one_per_row<float>(node, node.constant<float>(4), layer.outputs, 1.0F),
                         .no_shifts = ProgramVector<float>(layer.outputs, 0.0F),
                         .zero_point = one_per_row<std::int32_t>(node, integers_of(node, 7), 1, 0)[0]};
    for (auto& scale : result.scales) scale = number(node, 1) * scale / number(node, 6);
    const auto out = node.add_value(type, layer.out);
    emit_bytes(node, x, one_per_row<std::int32_t>(node, integers_of(node, 2), 1, 0)[0], std::move(result), layer,
               pack_groups(node, layer, weights, integers_of(node, 5), integers_of(node, 8)), out);
    node.set_output(0, out);
}

void lower_qlinear(NodeLowering& node) {
    if (node.type(node.input(7)) == DataType::i8) return lower_qlinear_to<std::int8_t>(node, DataType::i8);
    node.require_type(node.input(7), DataType::u8);
    lower_qlinear_to<std::uint8_t>(node, DataType::u8);
}

constexpr Operator kOperators[] = {{"ConvInteger", lower_integers}, {"QLinearConv", lower_qlinear}};

}  // namespace

bool lower_dequantized_convolution(NodeLowering& node) {
    const auto* weights = node.quantized(node.input(1));
    const auto x = dequantized_input(node, node.input(0));
    if (weights == nullptr || !x || (weights->scales.size() > 1 && weights->axis != 0)) return false;
    const auto groups = node.attribute_or<std::int64_t>("group", 1);
    // Few outputs leave most of a grain of rows without work: there floats are faster.
    constexpr std::int64_t kLeastOutputs = 12;
    const auto& shape = node.shape(node.input(1));
    if (shape.size() < 3 || shape.size() > 4 || groups < 1 || shape[0] / groups < kLeastOutputs) return false;
    const auto layer = read_layer(node, node.input(0), node.input(1));
    FloatResult result{.scales = one_per_row<float>(node, weights->scales, layer.outputs, 1.0F),
                       .shifts = ProgramVector<float>(layer.outputs, 0.0F)};
    for (auto& scale : result.scales) scale *= x->scale;
    if (node.has_input(2)) {
        result.shifts = one_per_row<float>(node, node.constant<float>(2), layer.outputs, 0.0F);
    }
    const auto out = node.add_value(DataType::f32, layer.out);
    emit_bytes(node, x->bytes, x->zero_point, std::move(result), layer,
               pack_groups(node, layer, weights->bytes, weights->zero_points), out);
    node.set_output(0, out);
    return true;
}

std::optional<ValueId> fused_dynamic_convolution(NodeLowering& node, const DynamicProduct& product) {
    const auto* found = kernel_of<ByteConvolutionKernel<ByteSource<std::uint8_t>, IntegerResult>>(product.step);
    const auto& shape = node.shape(product.cast);
    if (found == nullptr || !found->source.reads_zero_point) return std::nullopt;
    auto result = product.result(node, static_cast<std::size_t>(shape[1]), shape.size() - 2);
    if (!result) return std::nullopt;
    ByteConvolutionKernel<FloatSource, FloatResult> kernel{{}, *std::move(result), found->shape, found->weights};
    const auto out = node.add_value(DataType::f32, shape);
    emit(node, std::move(kernel), {product.x}, out);
    return out;
}

std::span<const Operator> quantized_convolution_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
