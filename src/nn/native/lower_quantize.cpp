// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "nn/native/lowering.hpp"
#include "nn/native/quantize_kernels.hpp"

namespace sidetone::nn::native {
namespace {

/// Places of a tensor that share a scale: `inner` neighbours, for each of `channels`, `outer` times.
struct Channels {
    std::size_t outer = 1, channels = 1, inner = 1;

    template <class Row>
    void for_each_row(const Row& row) const noexcept {
        for (std::size_t i = 0; i < outer * channels; ++i) row(i % channels, i * inner);
    }
};

template <class From, class To>
void convert_row(const From* x, std::size_t count, Quantization q, To* out) noexcept {
    if constexpr (std::is_same_v<From, float>) {
        quantize(x, count, q, out);
    } else {
        dequantize(x, count, q, out);
    }
}

/// Operands: x, the scales, the zero points where they are given, and the output.
template <class From, class To>
struct ConvertKernel {
    using Byte = std::conditional_t<std::is_same_v<From, float>, To, From>;
    Channels places;
    bool has_zero_points = false;

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const From*>(p[0]);
        const auto* scales = static_cast<const float*>(p[1]);
        const auto* zero_points = has_zero_points ? static_cast<const Byte*>(p[2]) : nullptr;
        auto* out = static_cast<To*>(p[has_zero_points ? 3 : 2]);
        places.for_each_row([&](std::size_t channel, std::size_t first) noexcept {
            const auto zero = zero_points == nullptr ? 0 : static_cast<std::int32_t>(zero_points[channel]);
            convert_row(x + first, places.inner, {scales[channel], zero}, out + first);
        });
    }
};

Channels channels_of(const NodeLowering& node) {
    const auto& shape = node.shape(node.input(0));
    const auto scales = node.value(node.input(1)).elements();
    if (node.attribute_or<std::int64_t>("block_size", 0) != 0) node.refuse("blocks are not in the native executor");
    node.require_type(node.input(1), DataType::f32);
    if (node.has_input(2) && node.value(node.input(2)).elements() != scales) {
        node.refuse("its zero points are not as many as its scales");
    }
    if (scales == 1) return {.inner = elements_of(shape)};
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 1), shape.size());
    if (node.shape(node.input(1)).size() != 1 || static_cast<std::int64_t>(scales) != shape[axis]) {
        node.refuse("its scales are not one per channel");
    }
    const auto at = shape.begin() + static_cast<std::ptrdiff_t>(axis);
    return {.outer = elements_of({shape.begin(), at}), .channels = scales, .inner = elements_of({at + 1, shape.end()})};
}

std::vector<ValueId> reads_of(const NodeLowering& node) {
    std::vector<ValueId> reads{node.input(0), node.input(1)};
    if (node.has_input(2)) reads.push_back(node.input(2));
    return reads;
}

DataType quantized_type(const NodeLowering& node) {
    if (node.has_input(2)) return node.type(node.input(2));
    switch (node.attribute_or<std::int64_t>("output_dtype", 0)) {  // numbers of onnx.proto's DataType
        case 0:
        case 2:
            return DataType::u8;
        case 3:
            return DataType::i8;
        default:
            node.refuse("this element type is not in the native executor");
    }
}

void lower_quantize(NodeLowering& node) {
    node.require_type(node.input(0), DataType::f32);
    const auto places = channels_of(node);
    const auto type = quantized_type(node);
    const auto out = node.add_value(type, node.shape(node.input(0)));
    const bool has_zero_points = node.has_input(2);
    if (type == DataType::u8) {
        node.emit(ConvertKernel<float, std::uint8_t>{places, has_zero_points}, reads_of(node), {out});
    } else {
        node.require_type(out, DataType::i8);
        node.emit(ConvertKernel<float, std::int8_t>{places, has_zero_points}, reads_of(node), {out});
    }
    node.set_output(0, out);
}

// For products that take the bytes instead.
void remember_bytes(NodeLowering& node, ValueId out) {
    const auto x = node.input(0);
    if (!node.is_constant(out) || node.type(x) == DataType::i32) return;
    const auto scales = node.constant<float>(1);
    QuantizedConstant before{.bytes = x, .scales = {scales.begin(), scales.end()}, .zero_points = {}, .axis = 0};
    before.zero_points.assign(scales.size(), 0);
    if (node.has_input(2)) {
        const auto zero_points = node.bytes(node.input(2));
        std::ranges::transform(zero_points, before.zero_points.begin(), [&](std::byte byte) {
            const auto value = std::to_integer<std::uint8_t>(byte);
            return node.type(x) == DataType::i8 ? std::int32_t{static_cast<std::int8_t>(value)} : std::int32_t{value};
        });
    }
    if (scales.size() > 1) {
        before.axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 1), node.shape(x).size());
    }
    node.remember(out, std::move(before));
}

void lower_dequantize(NodeLowering& node) {
    const auto x = node.input(0);
    const auto places = channels_of(node);
    const bool has_zero_points = node.has_input(2);
    if (has_zero_points) node.require_type(node.input(2), node.type(x));
    const auto out = node.add_value(DataType::f32, node.shape(x));
    switch (node.type(x)) {
        case DataType::u8:
            node.emit(ConvertKernel<std::uint8_t, float>{places, has_zero_points}, reads_of(node), {out});
            break;
        case DataType::i8:
            node.emit(ConvertKernel<std::int8_t, float>{places, has_zero_points}, reads_of(node), {out});
            break;
        case DataType::i32:
            node.emit(ConvertKernel<std::int32_t, float>{places, has_zero_points}, reads_of(node), {out});
            break;
        default:
            node.refuse("this element type is not in the native executor");
    }
    remember_bytes(node, out);
    node.set_output(0, out);
}

struct DynamicKernel {
    std::size_t count;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        const auto q = quantization_of(x, count);
        quantize(x, count, q, static_cast<std::uint8_t*>(p[1]));
        *static_cast<float*>(p[2]) = q.scale;
        *static_cast<std::uint8_t*>(p[3]) = static_cast<std::uint8_t>(q.zero_point);
    }
};

void lower_dynamic_quantize(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const std::vector<ValueId> writes{node.add_value(DataType::u8, node.shape(x)), node.add_value(DataType::f32, {}),
                                      node.add_value(DataType::u8, {})};
    node.emit(DynamicKernel{node.value(x).elements()}, {x}, writes);
    for (std::size_t i = 0; i < writes.size(); ++i) node.set_output(i, writes[i]);
}

constexpr Operator kOperators[] = {{"QuantizeLinear", lower_quantize},
                                   {"DequantizeLinear", lower_dequantize},
                                   {"DynamicQuantizeLinear", lower_dynamic_quantize}};

}  // namespace

std::span<const Operator> quantize_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
