// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "nn/native/elementwise_kernels.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/normalization_kernels.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

/// Rows of `columns` to mean 0 and variance 1, then each column's own scale and bias, which are `step` further on for
/// the next row. Operands: x, scale, bias where there is one, y, and the rows' means and scales.
struct LayerNormalizationKernel {
    std::size_t rows, columns, step;
    bool has_bias;
    float epsilon;

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(p[0]);
        const auto* scale = static_cast<const float*>(p[1]);
        const auto* bias = has_bias ? static_cast<const float*>(p[2]) : nullptr;
        void* const* out = p + (has_bias ? 3 : 2);
        auto* y = static_cast<float*>(out[0]);
        for (std::size_t r = 0; r < rows; ++r, x += columns, y += columns, scale += step) {
            const auto row = row_statistics(x, columns, epsilon);
            normalise_row(row, scale, bias == nullptr ? nullptr : bias + r * step, x, y, columns);
            static_cast<float*>(out[1])[r] = row.mean;
            static_cast<float*>(out[2])[r] = row.inverse_deviation;
        }
    }
};

// What axes of size 1 in front add nothing to.
Shape without_leading_ones(const Shape& shape) {
    return {std::ranges::find_if(shape, [](std::int64_t size) { return size != 1; }), shape.end()};
}

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
    const auto columns = elements / rows;
    const bool has_bias = node.has_input(2);
    std::vector<ValueId> parameters{node.input(1)};
    if (has_bias) parameters.push_back(node.input(2));
    // As many as a row has columns, or else as all rows have.
    Shape wide(shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end());
    for (const auto id : parameters) {
        node.require_type(id, DataType::f32);
        if (node.shape(id).size() > shape.size()) node.refuse("its scale does not fit its input");
        if (without_leading_ones(node.shape(id)).size() > wide.size()) wide = shape;
    }
    std::vector<ValueId> reads{x};
    for (const auto id : parameters) {
        const auto from = without_leading_ones(node.shape(id));
        if (node.broadcast(from, wide) != wide) node.refuse("its scale does not fit its input");
        reads.push_back(emit_part(node, id, wide, broadcast_strides(from, wide)));
    }
    const auto y = node.add_value(DataType::f32, shape);
    const auto mean = node.add_value(DataType::f32, outer);
    const auto scale = node.add_value(DataType::f32, outer);
    node.emit(LayerNormalizationKernel{.rows = rows,
                                       .columns = columns,
                                       .step = wide == shape ? columns : 0,
                                       .has_bias = has_bias,
                                       .epsilon = node.attribute_or("epsilon", 1e-5F)},
              std::move(reads), {y, mean, scale});
    node.set_output(0, y);
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
            const auto group = row_statistics(x, group_channels * pixels, epsilon);
            for (std::size_t k = 0; k < group_channels; ++k, x += pixels, y += pixels) {
                const auto c = is_scaled_by_group ? g : g * group_channels + k;
                const float factor = scale[c] * group.inverse_deviation;
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
