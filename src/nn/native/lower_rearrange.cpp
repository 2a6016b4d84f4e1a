// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "nn/native/lowering.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

// Every repeated dimension becomes two, of which the outer one stands still.
void lower_tile(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& from = node.shape(x);
    const auto repeats = node.constant_integers(1);
    if (repeats.size() != from.size()) node.refuse("its repeats are not one for every dimension");
    const auto own = contiguous_strides(from);
    Shape whole;
    Shape split;
    Strides strides;
    for (std::size_t i = 0; i < from.size(); ++i) {
        const auto repeat = repeats[i];
        if (repeat < 0 || repeat > static_cast<std::int64_t>(kMaxTensorBytes)) node.refuse("its repeats are too many");
        whole.push_back(from[i] * repeat);
        if (repeat != 1) {
            split.push_back(repeat);
            strides.push_back(0);
        }
        split.push_back(from[i]);
        strides.push_back(own[i]);
    }
    node.check_shape(node.type(x), whole);
    node.set_output(0, node.add_view(emit_part(node, x, split, strides), whole));
}

// `x` seen as `parts`, with its dimensions in another order, as `shape`.
void emit_shuffled(NodeLowering& node, const Shape& parts, const std::vector<std::size_t>& order, const Shape& shape) {
    const auto own = contiguous_strides(parts);
    Shape turned;
    Strides strides;
    for (const auto axis : order) {
        turned.push_back(parts[axis]);
        strides.push_back(own[axis]);
    }
    node.set_output(0, node.add_view(emit_part(node, node.input(0), turned, strides), shape));
}

std::int64_t block_of(const NodeLowering& node, std::size_t rank) {
    const auto block = node.attribute_or<std::int64_t>("blocksize", 0);
    if (rank != 4 || block < 1 || block > 1 << 15) node.refuse("its blocks do not fit its input");
    return block;
}

void lower_depth_to_space(NodeLowering& node) {
    const auto x = node.shape(node.input(0));
    const auto b = block_of(node, x.size());
    if (x[1] % (b * b) != 0) node.refuse("its blocks do not fit its input");
    const auto channels = x[1] / (b * b);
    const Shape shape{x[0], channels, x[2] * b, x[3] * b};
    if (node.attribute_or<std::string>("mode", "DCR") == "CRD") {
        return emit_shuffled(node, {x[0], channels, b, b, x[2], x[3]}, {0, 1, 4, 2, 5, 3}, shape);
    }
    emit_shuffled(node, {x[0], b, b, channels, x[2], x[3]}, {0, 3, 4, 1, 5, 2}, shape);
}

void lower_space_to_depth(NodeLowering& node) {
    const auto x = node.shape(node.input(0));
    const auto b = block_of(node, x.size());
    if (x[2] % b != 0 || x[3] % b != 0) node.refuse("its blocks do not fit its input");
    emit_shuffled(node, {x[0], x[1], x[2] / b, b, x[3] / b, b}, {0, 3, 5, 1, 2, 4},
                  {x[0], x[1] * b * b, x[2] / b, x[3] / b});
}

/// Keeps one side of the diagonal that is `shift` columns right of the main one.
struct TriangleKernel {
    std::size_t matrices, rows, columns, element;
    std::int64_t shift;
    bool is_upper;

    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const std::byte*>(p[0]);
        auto* out = static_cast<std::byte*>(p[1]);
        const auto bytes = columns * element;
        for (std::size_t i = 0; i < matrices * rows; ++i, x += bytes, out += bytes) {
            const auto row = static_cast<std::int64_t>(i % rows);
            // Upper: from the diagonal on; lower: up to and with it.
            const auto border = static_cast<std::size_t>(
                std::clamp<std::int64_t>(row + shift + (is_upper ? 0 : 1), 0, static_cast<std::int64_t>(columns)));
            const auto cut = border * element;
            std::memcpy(out, x, bytes);
            if (is_upper) {
                std::memset(out, 0, cut);
            } else {
                std::memset(out + cut, 0, bytes - cut);
            }
        }
    }
};

void lower_triangle(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& shape = node.shape(x);
    if (shape.size() < 2) node.refuse("its input is no matrix");
    constexpr std::int64_t kFar = 1 << 30;
    const auto shift = node.has_input(1) ? std::clamp(node.constant<std::int64_t>(1)[0], -kFar, kFar) : 0;
    const auto rows = static_cast<std::size_t>(shape.end()[-2]);
    const auto columns = static_cast<std::size_t>(shape.back());
    const auto out = node.add_value(node.type(x), shape);
    const auto matrices = rows * columns == 0 ? 0 : elements_of(shape) / (rows * columns);
    const bool is_upper = node.attribute_or<std::int64_t>("upper", 1) != 0;
    node.emit(TriangleKernel{matrices, rows, columns, bytes_of(node.type(x)), shift, is_upper}, {x}, {out});
    node.set_output(0, out);
}

template <class T>
void emit_range(NodeLowering& node) {
    std::array<T, 3> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto values = node.constant<T>(i);
        if (values.size() != 1) node.refuse("its limits are not single numbers");
        numbers[i] = values[0];
    }
    const auto [start, limit, step] = numbers;
    const auto steps = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(step));
    if (!(std::abs(steps) < 1e8)) node.refuse("its range is beyond the limits");
    const auto count = static_cast<std::size_t>(std::max(steps, 0.0));
    node.require_table(count);
    std::vector<T> values;
    for (std::size_t i = 0; i < count; ++i) {
        if constexpr (std::is_floating_point_v<T>) {
            values.push_back(start + static_cast<T>(i) * step);
        } else {
            using U = std::make_unsigned_t<T>;  // wraps where signed arithmetic would be undefined
            values.push_back(static_cast<T>(static_cast<U>(start) + static_cast<U>(i) * static_cast<U>(step)));
        }
    }
    node.set_output(0, node.add_constant<T>({static_cast<std::int64_t>(count)}, values));
}

void lower_range(NodeLowering& node) {
    switch (node.type(node.input(0))) {
        case DataType::f32:
            return emit_range<float>(node);
        case DataType::i64:
            return emit_range<std::int64_t>(node);
        case DataType::i32:
            return emit_range<std::int32_t>(node);
        default:
            node.refuse("this element type is not in the native executor");
    }
}

constexpr Operator kOperators[] = {
    {"Tile", lower_tile},
    {"DepthToSpace", lower_depth_to_space},
    {"SpaceToDepth", lower_space_to_depth},
    {"Trilu", lower_triangle},
    {"Range", lower_range},
};

}  // namespace

std::span<const Operator> rearrange_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
