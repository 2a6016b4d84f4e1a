// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "operator_case.hpp"

namespace sidetone::nn::test {
namespace {

using Integers = std::vector<std::int64_t>;

struct ByteRange {
    bool is_signed;
    std::int64_t low, high;
};

ByteRange some_bytes(OperatorCase& c) {
    return c.random.chance(0.5) ? ByteRange{true, -128, 127} : ByteRange{false, 0, 255};
}

void constant_bytes(OperatorCase& c, const ByteRange& range, const Shape& shape) {
    std::size_t count = 1;
    for (const auto size : shape) count *= static_cast<std::size_t>(size);
    Integers values(count);
    for (auto& value : values) value = c.random.integer(range.low, range.high);
    if (range.is_signed) {
        c.constant_integers<std::int8_t>(shape, values);
    } else {
        c.constant_integers<std::uint8_t>(shape, values);
    }
}

void bytes(OperatorCase& c, const ByteRange& range, const Shape& shape) {
    if (range.is_signed) {
        c.integers<std::int8_t>(shape, range.low, range.high);
    } else {
        c.integers<std::uint8_t>(shape, range.low, range.high);
    }
}

ElementType type_of(const ByteRange& range) {
    return range.is_signed ? ElementType::i8 : ElementType::u8;
}

void quantize(OperatorCase& c) {
    const auto shape = c.shape(1);
    c.dynamic_floats(shape);
    const auto axis = c.random.integer(0, static_cast<std::int64_t>(shape.size()) - 1);
    const bool per_channel = c.opset >= 13 && c.random.chance(0.5);
    const Shape parameters = per_channel ? Shape{shape[static_cast<std::size_t>(axis)]} : Shape{};
    c.floats(parameters, 0.005F, 0.05F);
    const auto range = some_bytes(c);
    if (c.random.chance(0.8)) {
        bytes(c, range, parameters);
        c.output(type_of(range));
    } else {
        c.output(ElementType::u8);
    }
    if (per_channel) c.attribute("axis", axis);
}

void dequantize(OperatorCase& c) {
    const auto shape = c.shape(1);
    const auto axis = c.random.integer(0, static_cast<std::int64_t>(shape.size()) - 1);
    const bool per_channel = c.opset >= 13 && c.random.chance(0.5);
    const Shape parameters = per_channel ? Shape{shape[static_cast<std::size_t>(axis)]} : Shape{};
    const auto range = some_bytes(c);
    const bool is_wide = c.random.chance(0.25);
    if (is_wide) {
        c.integers<std::int32_t>(shape, -100'000, 100'000);
    } else {
        bytes(c, range, shape);
    }
    c.floats(parameters, 0.005F, 0.05F);
    if (!is_wide && c.random.chance(0.8)) bytes(c, range, parameters);
    if (per_channel) c.attribute("axis", axis);
}

void dynamic_quantize(OperatorCase& c) {
    const float low = c.random.one_of<float>({-2.0F, 0.5F, -3.0F, 0.0F});
    c.dynamic_floats(c.shape(1), low, c.random.one_of<float>({-1.0F, 0.0F, 1.0F, 5.0F}));
    c.output(ElementType::u8).output(ElementType::f32).output(ElementType::u8);
}

struct Sizes {
    Shape a, b;
    std::int64_t columns;
};

Sizes some_sizes(OperatorCase& c) {
    const auto rows = c.random.one_of<std::int64_t>({1, 2, 5, 17});
    const auto inner = c.random.one_of<std::int64_t>({1, 3, 8, 33, 130});
    const auto columns = c.random.one_of<std::int64_t>({1, 4, 16, 37, 70});
    auto batches = c.shape(0, 1);
    Sizes made{.a = batches, .b = c.random.chance(0.8) ? Shape{} : batches, .columns = columns};
    made.a.insert(made.a.end(), {rows, inner});
    made.b.insert(made.b.end(), {inner, columns});
    return made;
}

void matmul_integer(OperatorCase& c) {
    const auto sizes = some_sizes(c);
    // What ONNX Runtime has kernels for: a sign on the left needs one on the right.
    const auto b_range = some_bytes(c);
    const auto a_range = b_range.is_signed ? some_bytes(c) : ByteRange{false, 0, 255};
    bytes(c, a_range, sizes.a);
    if (c.random.chance(0.7)) {
        constant_bytes(c, b_range, sizes.b);
    } else {
        bytes(c, b_range, sizes.b);
    }
    if (c.random.chance(0.7)) {
        bytes(c, a_range, {});
        if (c.random.chance(0.7)) {
            const bool per_column = sizes.b.size() == 2 && c.random.chance(0.5);
            constant_bytes(c, b_range, per_column ? Shape{sizes.columns} : Shape{});
        }
    }
    c.output(ElementType::i32);
}

void qlinear_matmul(OperatorCase& c) {
    const auto sizes = some_sizes(c);
    const auto b_range = some_bytes(c);
    const auto range = b_range.is_signed ? some_bytes(c) : ByteRange{false, 0, 255};
    bytes(c, range, sizes.a);
    c.constant_floats({}, 0.005F, 0.02F);
    constant_bytes(c, range, {});
    if (c.random.chance(0.7)) {
        constant_bytes(c, b_range, sizes.b);
    } else {
        bytes(c, b_range, sizes.b);
    }
    const bool per_column = sizes.b.size() == 2 && c.random.chance(0.5);
    const Shape parameters = per_column ? Shape{sizes.columns} : Shape{};
    c.constant_floats(parameters, 0.005F, 0.02F);
    constant_bytes(c, b_range, parameters);
    c.constant_floats({}, 0.05F, 0.3F);
    constant_bytes(c, range, {});
    c.output(type_of(range));
    c.steps = 1;  // ties of rounding
}

std::string taken_floats(OperatorCase& c, const Shape& shape, float low, float high, bool is_constant) {
    if (is_constant) {
        c.constant_floats(shape, low, high);
    } else {
        c.dynamic_floats(shape, low, high);
    }
    return c.take_input();
}

std::string taken_bytes(OperatorCase& c, const ByteRange& range, const Shape& shape) {
    constant_bytes(c, range, shape);
    return c.take_input();
}

/// Sums of a product with floats brought into bytes as they come, and what they have to be multiplied by: `channels` is
/// the shape of the scales, one for each channel of the weights or one for all.
struct DynamicSums {
    std::string sums, scales;
    Shape channels;
};

// As onnxruntime.quantization leaves a linear layer whose activations are quantised as they come.
DynamicSums dynamic_sums_of_matmul(OperatorCase& c) {
    const auto sizes = some_sizes(c);
    const auto x = taken_floats(c, sizes.a, -1, 2, false);
    const auto range = some_bytes(c);
    const Shape parameters = c.random.chance(0.5) ? Shape{sizes.columns} : Shape{};
    const Shape b{sizes.b.end() - 2, sizes.b.end()};
    const auto quantized = c.node("DynamicQuantizeLinear", {x}, 3);
    const auto sums = c.node("MatMulInteger",
                             {quantized[0], taken_bytes(c, range, b), quantized[2], taken_bytes(c, range, parameters)});
    const auto cast = c.node("Cast", {sums[0]});
    c.node_attribute("to", 1);
    const auto weight_scales = taken_floats(c, parameters, 0.005F, 0.02F, true);
    const auto scales = c.node("Mul", {quantized[1], weight_scales});
    return {cast[0], scales[0], parameters};
}

template <DynamicSums (*kSums)(OperatorCase&)>
void dynamic_product(OperatorCase& c) {
    const auto [sums, scales, channels] = kSums(c);
    c.computed(sums).computed(scales);
}

template <DynamicSums (*kSums)(OperatorCase&)>
void rectified_dynamic_product(OperatorCase& c) {
    const auto [sums, scales, channels] = kSums(c);
    auto out = c.node("Mul", {sums, scales})[0];
    if (c.random.chance(0.7)) out = c.node("Add", {out, taken_floats(c, channels, -1, 1, true)})[0];
    c.computed(out);
}

// x, brought into bytes and back.
std::string through_bytes(OperatorCase& c, const std::string& x) {
    const auto range = some_bytes(c);
    const auto scale = taken_floats(c, {}, 0.01F, 0.02F, true);
    const auto zero = taken_bytes(c, {range.is_signed, range.low + 100, range.high - 100}, {});
    return c.node("DequantizeLinear", {c.node("QuantizeLinear", {x, scale, zero})[0], scale, zero})[0];
}

void dequantized_matmul(OperatorCase& c) {
    const auto sizes = some_sizes(c);
    c.computed(through_bytes(c, taken_floats(c, sizes.a, -1, 1, false)));
    const auto range = some_bytes(c);
    const bool per_column = c.opset >= 13 && c.random.chance(0.5);
    const Shape parameters = per_column ? Shape{sizes.columns} : Shape{};
    const auto scales = taken_floats(c, parameters, 0.005F, 0.02F, true);
    const auto weights = c.node("DequantizeLinear", {taken_bytes(c, range, {sizes.b.end() - 2, sizes.b.end()}), scales,
                                                     taken_bytes(c, range, parameters)});
    if (per_column) c.node_attribute("axis", 1);
    c.computed(weights[0]);
}

void dequantized_gemm(OperatorCase& c) {
    const auto sizes = some_sizes(c);
    c.computed(through_bytes(c, taken_floats(c, {sizes.a.end() - 2, sizes.a.end()}, -1, 1, false)));
    const auto range = some_bytes(c);
    const bool is_turned = c.random.chance(0.5);
    Shape b{sizes.b.end() - 2, sizes.b.end()};
    if (is_turned) std::swap(b[0], b[1]);
    const bool per_row = c.opset >= 13 && c.random.chance(0.5);
    const Shape parameters = per_row ? Shape{sizes.columns} : Shape{};
    const auto scales = taken_floats(c, parameters, 0.005F, 0.02F, true);
    const auto weights =
        c.node("DequantizeLinear", {taken_bytes(c, range, b), scales, taken_bytes(c, range, parameters)});
    if (per_row) c.node_attribute("axis", is_turned ? 0 : 1);
    c.computed(weights[0]);
    if (c.random.chance(0.7)) c.constant_floats({sizes.columns});
    if (is_turned) c.attribute("transB", std::int64_t{1});
    if (c.random.chance(0.4)) c.attribute("alpha", c.random.number(0.5F, 2));
    if (c.random.chance(0.4)) c.attribute("beta", c.random.number(0.5F, 2));
}

// Shapes of a convolution over one or two dimensions, whose attributes go to the operator or the node before it.
struct Convolution {
    Shape x, weights;
    std::int64_t outputs;
    std::vector<std::pair<std::string, Integers>> lists;
    std::int64_t groups;
};

Convolution some_convolution(OperatorCase& c) {
    const auto spatial = c.random.integer(1, 2);
    const auto groups = c.random.one_of<std::int64_t>({1, 1, 2, 5});
    const auto inputs = c.random.integer(1, 6);
    Convolution made{.x = {c.random.integer(1, 2), groups * inputs},
                     .weights = {groups * c.random.one_of<std::int64_t>({1, 3, 16, 21}), inputs},
                     .outputs = 0,
                     .lists = {},
                     .groups = groups};
    made.outputs = made.weights[0];
    Integers strides;
    Integers dilations;
    Integers pads;
    for (std::int64_t i = 0; i < spatial; ++i) {
        made.x.push_back(c.random.integer(7, 12));
        made.weights.push_back(c.random.integer(1, 3));
        strides.push_back(c.random.integer(1, 3));
        dilations.push_back(c.random.integer(1, 2));
    }
    for (std::int64_t i = 0; i < 2 * spatial; ++i) pads.push_back(c.random.integer(0, 2));
    if (c.random.chance(0.6)) made.lists.emplace_back("strides", strides);
    if (c.random.chance(0.4)) made.lists.emplace_back("dilations", dilations);
    if (c.random.chance(0.6)) made.lists.emplace_back("pads", pads);
    return made;
}

void set_attributes(OperatorCase& c, const Convolution& convolution) {
    for (const auto& [name, values] : convolution.lists) c.attribute(name, values);
    c.attribute("group", convolution.groups);
}

void convolution_integer(OperatorCase& c) {
    const auto made = some_convolution(c);
    const auto range = ByteRange{false, 0, 255};
    c.integers<std::uint8_t>(made.x, 0, 255);
    const auto w_range = some_bytes(c);
    constant_bytes(c, w_range, made.weights);
    if (c.random.chance(0.7)) {
        bytes(c, range, {});
        if (c.random.chance(0.6)) constant_bytes(c, w_range, {});
    }
    set_attributes(c, made);
    c.output(ElementType::i32);
}

void qlinear_convolution(OperatorCase& c) {
    const auto made = some_convolution(c);
    const auto w_range = some_bytes(c);
    const auto range = w_range.is_signed ? some_bytes(c) : ByteRange{false, 0, 255};
    bytes(c, range, made.x);
    c.constant_floats({}, 0.005F, 0.02F);
    constant_bytes(c, range, {});
    constant_bytes(c, w_range, made.weights);
    // ONNX Runtime wants the zero points of channels to be all the same.
    const bool per_channel = c.random.chance(0.5);
    c.constant_floats(per_channel ? Shape{made.outputs} : Shape{}, 0.005F, 0.02F);
    constant_bytes(c, w_range, {});
    c.constant_floats({}, 0.05F, 0.3F);
    constant_bytes(c, range, {});
    if (c.random.chance(0.6)) {
        Integers bias(static_cast<std::size_t>(made.outputs));
        for (auto& value : bias) value = c.random.integer(-5000, 5000);
        c.constant_integers<std::int32_t>({made.outputs}, bias);
    }
    set_attributes(c, made);
    c.output(type_of(range));
    c.steps = 1;  // ties of rounding
}

DynamicSums dynamic_sums_of_convolution(OperatorCase& c) {
    const auto made = some_convolution(c);
    const auto x = taken_floats(c, made.x, -1, 2, false);
    const auto range = some_bytes(c);
    const auto quantized = c.node("DynamicQuantizeLinear", {x}, 3);
    const auto weights = taken_bytes(c, range, made.weights);
    const auto sums = c.node("ConvInteger", {quantized[0], weights, quantized[2], taken_bytes(c, range, {})});
    for (const auto& [name, values] : made.lists) c.node_attribute(name, values);
    c.node_attribute("group", made.groups);
    const auto cast = c.node("Cast", {sums[0]});
    c.node_attribute("to", 1);
    Shape parameters;
    if (c.random.chance(0.5)) {
        parameters.assign(made.x.size() - 1, 1);
        parameters[0] = made.outputs;
    }
    const auto scales = c.node("Mul", {quantized[1], taken_floats(c, parameters, 0.005F, 0.02F, true)});
    return {cast[0], scales[0], parameters};
}

void dequantized_convolution(OperatorCase& c) {
    const auto made = some_convolution(c);
    c.computed(through_bytes(c, taken_floats(c, made.x, -1, 1, false)));
    const auto range = some_bytes(c);
    const bool per_channel = c.opset >= 13 && c.random.chance(0.5);
    const Shape parameters = per_channel ? Shape{made.outputs} : Shape{};
    const auto weights = taken_bytes(c, range, made.weights);
    const auto scales = taken_floats(c, parameters, 0.005F, 0.02F, true);
    const auto floats = c.node("DequantizeLinear", {weights, scales, taken_bytes(c, range, parameters)});
    if (per_channel) c.node_attribute("axis", 0);
    c.computed(floats[0]);
    if (c.random.chance(0.6)) c.constant_floats({made.outputs});
    set_attributes(c, made);
}

// Weights of half precision, widened before they are used; some of a size that is kept as it is.
std::string widened(OperatorCase& c, const Shape& shape) {
    c.constant_halves(shape);
    const auto wide = c.node("Cast", {c.take_input()});
    c.node_attribute("to", 1);
    return wide[0];
}

void half_matmul(OperatorCase& c) {
    const auto rows = c.random.one_of<std::int64_t>({1, 2, 5});
    const auto inner = c.random.one_of<std::int64_t>({3, 8, 257});
    const auto columns = c.random.one_of<std::int64_t>({4, 37, 161, 256});
    c.dynamic_floats({rows, inner}, -1, 1).computed(widened(c, {inner, columns}));
}

void half_gemm(OperatorCase& c) {
    const auto rows = c.random.one_of<std::int64_t>({1, 2, 5});
    const auto inner = c.random.one_of<std::int64_t>({3, 8, 257});
    const auto columns = c.random.one_of<std::int64_t>({4, 37, 161, 256});
    c.dynamic_floats({rows, inner}, -1, 1).computed(widened(c, {columns, inner})).computed(widened(c, {columns}));
    c.attribute("transB", std::int64_t{1});
}

void half_convolution(OperatorCase& c) {
    c.dynamic_floats({1, 4, 9}, -1, 1).computed(widened(c, {6, 4, 3}));
}

}  // namespace

std::vector<OperatorRow> quantized_rows() {
    return {
        {"QuantizeLinear", {11, 13, 19, 21}, quantize, 24},
        {"DequantizeLinear", {11, 13, 19, 21}, dequantize, 32},
        {"DynamicQuantizeLinear", {11}, dynamic_quantize, 16},
        {"MatMulInteger", {11}, matmul_integer, 48},
        {"QLinearMatMul", {11, 21}, qlinear_matmul, 32},
        {"Mul", {11, 17, 21}, dynamic_product<dynamic_sums_of_matmul>, 32},
        {"Relu", {13, 17, 21}, rectified_dynamic_product<dynamic_sums_of_matmul>, 24},
        {"MatMul", {11, 13, 21}, dequantized_matmul, 32},
        {"Gemm", {11, 13, 21}, dequantized_gemm, 32},
        {"ConvInteger", {11, 21}, convolution_integer, 40},
        {"QLinearConv", {11, 21}, qlinear_convolution, 40},
        {"Mul", {11, 17, 21}, dynamic_product<dynamic_sums_of_convolution>, 32},
        {"Relu", {13, 17, 21}, rectified_dynamic_product<dynamic_sums_of_convolution>, 24},
        {"Conv", {11, 13, 21}, dequantized_convolution, 32},
        {"MatMul", {11, 13, 21}, half_matmul, 24},
        {"Gemm", {11, 13, 21}, half_gemm, 24},
        {"Conv", {11, 21}, half_convolution, 4},
    };
}

}  // namespace sidetone::nn::test
