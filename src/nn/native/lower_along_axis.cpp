// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

/// A tensor seen from one of its axes: [outer, count, inner].
struct AlongAxis {
    std::size_t outer = 1, count = 1, inner = 1;
};

AlongAxis along_axis(const Shape& shape, std::size_t axis) {
    AlongAxis made;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        (i < axis ? made.outer : i == axis ? made.count : made.inner) *= static_cast<std::size_t>(shape[i]);
    }
    return made;
}

template <class T>
T added(T a, T b) noexcept {
    if constexpr (std::is_floating_point_v<T>) {
        return a + b;
    } else {
        using U = std::make_unsigned_t<T>;  // wraps where signed arithmetic would be undefined
        return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    }
}

template <class T>
struct CumulativeSumKernel {
    AlongAxis extent;
    bool leaves_out_itself = false, is_backwards = false;

    void operator()(void* const* p) const noexcept {
        const auto [outer, count, inner] = extent;
        const auto* x = static_cast<const T*>(p[0]);
        auto* out = static_cast<T*>(p[1]);
        for (std::size_t o = 0; o < outer; ++o, x += count * inner, out += count * inner) {
            for (std::size_t i = 0; i < inner; ++i) sum(x + i, out + i);
        }
    }

    void sum(const T* x, T* out) const noexcept {
        T total{};
        for (std::size_t n = 0; n < extent.count; ++n) {
            const auto at = (is_backwards ? extent.count - 1 - n : n) * extent.inner;
            const auto before = total;
            total = added(total, x[at]);
            out[at] = leaves_out_itself ? before : total;
        }
    }
};

void lower_cumulative_sum(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& shape = node.shape(x);
    const auto axes = node.constant_integers(1);
    if (axes.size() != 1) node.refuse("its axis is not one");
    const auto extent = along_axis(shape, node.axis_of(axes[0], shape.size()));
    const bool leaves_out = node.attribute_or<std::int64_t>("exclusive", 0) != 0;
    const bool is_backwards = node.attribute_or<std::int64_t>("reverse", 0) != 0;
    const auto out = node.add_value(node.type(x), shape);
    switch (node.type(x)) {
        case DataType::f32:
            node.emit(CumulativeSumKernel<float>{extent, leaves_out, is_backwards}, {x}, {out});
            break;
        case DataType::i64:
            node.emit(CumulativeSumKernel<std::int64_t>{extent, leaves_out, is_backwards}, {x}, {out});
            break;
        case DataType::i32:
            node.emit(CumulativeSumKernel<std::int32_t>{extent, leaves_out, is_backwards}, {x}, {out});
            break;
        default:
            node.refuse("this element type is not in the native executor");
    }
    node.set_output(0, out);
}

/// The `kept` largest or smallest in their order; of equals the first. Each place asks for the best of what comes after
/// the place before it, so that the work does not depend on the data. Operands: x, values, places.
struct TopKernel {
    AlongAxis extent;
    std::size_t kept;
    bool is_largest;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        return extent.outer * extent.count * extent.inner * kept * 2;
    }
    void operator()(void* const* p) const noexcept {
        const auto [outer, count, inner] = extent;
        const auto* x = static_cast<const float*>(p[0]);
        auto* values = static_cast<float*>(p[1]);
        auto* places = static_cast<std::int64_t*>(p[2]);
        for (std::size_t o = 0; o < outer; ++o) {
            for (std::size_t i = 0; i < inner; ++i) {
                choose(x + o * count * inner + i, values + o * kept * inner + i, places + o * kept * inner + i);
            }
        }
    }

    void choose(const float* x, float* values, std::int64_t* places) const noexcept {
        const auto inner = extent.inner;
        auto last = static_cast<std::int64_t>(-1);
        for (std::size_t k = 0; k < kept; ++k) {
            std::int64_t best = -1;
            for (std::int64_t n = 0; n < static_cast<std::int64_t>(extent.count); ++n) {
                if (last >= 0 && !comes_before(x, last, n)) continue;
                if (best < 0 || comes_before(x, n, best)) best = n;
            }
            last = std::max<std::int64_t>(best, 0);
            values[k * inner] = x[static_cast<std::size_t>(last) * inner];
            places[k * inner] = last;
        }
    }

    [[nodiscard]] bool comes_before(const float* x, std::int64_t a, std::int64_t b) const noexcept {
        const float value = x[static_cast<std::size_t>(a) * extent.inner];
        const float other = x[static_cast<std::size_t>(b) * extent.inner];
        if (value == other) return a < b;
        return is_largest ? value > other : value < other;
    }
};

void lower_top(NodeLowering& node) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    auto shape = node.shape(x);
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", -1), shape.size());
    const auto counts = node.constant_integers(1);
    if (counts.size() != 1 || counts[0] < 0 || counts[0] > shape[axis]) node.refuse("its number is out of range");
    const auto extent = along_axis(shape, axis);
    shape[axis] = counts[0];
    const auto values = node.add_value(DataType::f32, shape);
    const auto places = node.add_value(DataType::i64, shape);
    const bool is_largest = node.attribute_or<std::int64_t>("largest", 1) != 0;
    node.emit(TopKernel{extent, static_cast<std::size_t>(counts[0]), is_largest}, {x}, {values, places});
    node.set_output(0, values);
    node.set_output(1, places);
}

constexpr Operator kOperators[] = {{"CumSum", lower_cumulative_sum}, {"TopK", lower_top}};

}  // namespace

std::span<const Operator> along_axis_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
