// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "nn/native/elementwise_lowering.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

struct Statistics {
    float mean = 0, scale = 0;  // scale: 1 / √(variance + epsilon)
};

// In two passes: the difference of squares would lose what it is after.
Statistics statistics_of(const float* x, std::size_t count, float epsilon) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]);
    const double mean = sum / static_cast<double>(count);
    double squares = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double away = static_cast<double>(x[i]) - mean;
        squares += away * away;
    }
    const double variance = squares / static_cast<double>(count);
    return {static_cast<float>(mean), static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(epsilon)))};
}

/// Rows of `columns` to mean 0 and variance 1; operands: x, y, mean, scale.
struct RowNormalizationKernel {
    std::size_t rows, columns;
    float epsilon;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* y = static_cast<float*>(p[1]);
        for (std::size_t r = 0; r < rows; ++r, x += columns, y += columns) {
            const auto row = statistics_of(x, columns, epsilon);
            scale_and_shift(row.scale, -row.mean * row.scale, x, y, columns);
            static_cast<float*>(p[2])[r] = row.mean;
            static_cast<float*>(p[3])[r] = row.scale;
        }
    }
};

void lower_layer_normalization(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto shape = node.shape(x);
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", -1), shape.size());
    auto outer = shape;
    std::fill(outer.begin() + static_cast<std::ptrdiff_t>(axis), outer.end(), 1);
    const auto elements = elements_of(shape);
    if (elements == 0) node.refuse("its input is empty");
    const auto rows = elements_of(outer);
    const auto y = node.add_value(DataType::f32, shape);
    const auto mean = node.add_value(DataType::f32, outer);
    const auto scale = node.add_value(DataType::f32, outer);
    node.emit(RowNormalizationKernel{rows, elements / rows, node.attribute_or("epsilon", 1e-5F)}, {x},
              {y, mean, scale});
    auto out = emit_binary(node, Binary::multiply, y, node.input(1));
    if (node.has_input(2)) out = emit_binary(node, Binary::add, out, node.input(2));
    if (node.shape(out) != shape) node.refuse("its scale does not fit its input");
    node.set_output(0, out);
    node.set_output(1, mean);
    node.set_output(2, scale);
}

/// Groups of channels to mean 0 and variance 1, then each channel's own scale and bias. Operands: x, scale, bias, y.
struct GroupNormalizationKernel {
    std::size_t batch, groups, group_channels, pixels;
    bool is_scaled_by_group;
    float epsilon;

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        const auto* scale = static_cast<const float*>(p[1]);
        const auto* bias = static_cast<const float*>(p[2]);
        auto* y = static_cast<float*>(p[3]);
        for (std::size_t i = 0; i < batch * groups; ++i) {
            const auto g = i % groups;
            const auto group = statistics_of(x, group_channels * pixels, epsilon);
            for (std::size_t k = 0; k < group_channels; ++k, x += pixels, y += pixels) {
                const auto c = is_scaled_by_group ? g : g * group_channels + k;
                const float factor = scale[c] * group.scale;
                scale_and_shift(factor, bias[c] - group.mean * factor, x, y, pixels);
            }
        }
    }
};

void lower_groups(NodeLowering& node, std::int64_t groups, bool is_scaled_by_group) {
    const auto x = node.input(0);
    const auto scale = node.input(1);
    const auto bias = node.input(2);
    for (const auto id : {x, scale, bias}) node.require_type(id, DataType::f32);
    const auto& shape = node.shape(x);
    const auto elements = elements_of(shape);
    const auto channels = shape.size() < 2 ? 0 : shape[1];
    if (elements == 0 || channels == 0 || groups < 1 || channels % groups != 0) {
        node.refuse("its groups do not fit its channels");
    }
    const Shape parameters{is_scaled_by_group ? groups : channels};
    if (node.shape(scale) != parameters || node.shape(bias) != parameters) {
        node.refuse("its scale and bias " + shape_text(node.shape(scale)) + " do not fit its channels");
    }
    const auto out = node.add_value(DataType::f32, shape);
    node.emit(GroupNormalizationKernel{.batch = static_cast<std::size_t>(shape[0]),
                                       .groups = static_cast<std::size_t>(groups),
                                       .group_channels = static_cast<std::size_t>(channels / groups),
                                       .pixels = elements / static_cast<std::size_t>(shape[0] * channels),
                                       .is_scaled_by_group = is_scaled_by_group,
                                       .epsilon = node.attribute_or("epsilon", 1e-5F)},
              {x, scale, bias}, {out});
    node.set_output(0, out);
}

void lower_instance_normalization(NodeLowering& node) {
    const auto& shape = node.shape(node.input(0));
    lower_groups(node, shape.size() < 2 ? 0 : shape[1], false);
}

// Up to opset 20 scale and bias are one per group, then one per channel.
void lower_group_normalization(NodeLowering& node) {
    lower_groups(node, node.attribute_or<std::int64_t>("num_groups", 0), node.opset() < 21);
}

/// Over the middle of [outer, count, inner], by the sum of magnitudes or the root of the sum of squares.
struct LpNormalizationKernel {
    std::size_t outer, count, inner;
    bool is_squared;

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        auto* y = static_cast<float*>(p[1]);
        for (std::size_t o = 0; o < outer; ++o, x += count * inner, y += count * inner) {
            for (std::size_t i = 0; i < inner; ++i) normalise(x + i, y + i);
        }
    }

    void normalise(const float* x, float* y) const noexcept {
        double sum = 0;
        for (std::size_t k = 0; k < count; ++k) {
            const auto value = static_cast<double>(x[k * inner]);
            sum += is_squared ? value * value : std::abs(value);
        }
        const auto norm = is_squared ? std::sqrt(sum) : sum;
        const auto factor = static_cast<float>(norm == 0 ? 0.0 : 1.0 / norm);
        for (std::size_t k = 0; k < count; ++k) y[k * inner] = x[k * inner] * factor;
    }
};

void lower_lp_normalization(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto& shape = node.shape(x);
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", -1), shape.size());
    const auto power = node.attribute_or<std::int64_t>("p", 2);
    if (power != 1 && power != 2) node.refuse("its p is neither 1 nor 2");
    LpNormalizationKernel kernel{1, 1, 1, power == 2};
    for (std::size_t i = 0; i < shape.size(); ++i) {
        (i < axis ? kernel.outer : i == axis ? kernel.count : kernel.inner) *= static_cast<std::size_t>(shape[i]);
    }
    const auto out = node.add_value(DataType::f32, shape);
    node.emit(kernel, {x}, {out});
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {
    {"LayerNormalization", lower_layer_normalization},
    {"InstanceNormalization", lower_instance_normalization},
    {"GroupNormalization", lower_group_normalization},
    {"LpNormalization", lower_lp_normalization},
};

}  // namespace

std::span<const Operator> normalization_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
