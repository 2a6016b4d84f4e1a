// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "nn/native/lowering.hpp"
#include "nn/native/resize_table.hpp"

namespace sidetone::nn::native {
namespace {

/// Resizes one axis of a tensor seen as [outer, in, inner].
template <class T>
struct ResizeKernel {
    std::size_t outer = 1, in = 1, out = 1, inner = 1;
    ResizeTable table;
    T outside{};

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        return table.taps == 1 ? 0 : std::uint64_t{outer} * out * inner * table.taps;
    }
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const T*>(p[0]);
        auto* to = static_cast<T*>(p[1]);
        for (std::size_t o = 0; o < outer; ++o, x += in * inner) {
            for (std::size_t at = 0; at < out; ++at, to += inner) row(x, at, to);
        }
    }
    void row(const T* x, std::size_t at, T* to) const noexcept {
        if (table.is_outside[at]) return void(std::fill_n(to, inner, outside));
        const auto* places = &table.places[at * table.taps];
        if (table.taps == 1) return void(std::copy_n(x + places[0] * inner, inner, to));
        if constexpr (std::is_same_v<T, float>) {
            const auto* weights = &table.weights[at * table.taps];
            const float* first = x + places[0] * inner;
            for (std::size_t i = 0; i < inner; ++i) to[i] = weights[0] * first[i];
            for (std::size_t tap = 1; tap < table.taps; ++tap) {
                const float* from = x + places[tap] * inner;
                for (std::size_t i = 0; i < inner; ++i) to[i] += weights[tap] * from[i];
            }
        }
    }
};

// What integers hold of a float.
template <class T>
T nearest_of(float value) {
    if constexpr (std::is_same_v<T, float>) {
        return value;
    } else {
        constexpr float kMost = sizeof(T) == 8 ? 9.2e18F : sizeof(T) == 4 ? 2.1e9F : 127.0F;
        if (std::isnan(value)) return T{};
        return static_cast<T>(std::clamp(value, std::is_unsigned_v<T> ? 0.0F : -kMost, kMost));
    }
}

ResizeRule read_rule(const NodeLowering& node) {
    ResizeRule rule;
    rule.coordinates = node.attribute_or<std::string>("coordinate_transformation_mode", rule.coordinates);
    rule.mode = node.attribute_or<std::string>("mode", rule.mode);
    rule.nearest = node.attribute_or<std::string>("nearest_mode", rule.nearest);
    rule.cubic_a = node.attribute_or("cubic_coeff_a", rule.cubic_a);
    rule.excludes_outside = node.attribute_or<std::int64_t>("exclude_outside", 0) != 0;
    if (!is_known(rule) || !std::isfinite(rule.cubic_a)) node.refuse("one of its modes is none that is known");
    if (node.attribute_or<std::int64_t>("antialias", 0) != 0 && rule.mode != "nearest") {
        node.refuse("antialias is not in the native executor");
    }
    return rule;
}

bool has_values(const NodeLowering& node, std::size_t index) {
    return node.has_input(index) && node.value(node.input(index)).elements() > 0;
}

/// Sizes as a node gives them: as such, or as scales. Each for one of `places`, the resized axes.
void read_sizes(const NodeLowering& node, const std::vector<std::size_t>& places, std::vector<ResizeAxis>& axes) {
    const auto sizes = node.constant_integers(3);
    if (sizes.size() != places.size()) node.refuse("its sizes are not one per axis");
    std::vector<float> scales;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        scales.push_back(static_cast<float>(sizes[i]) / static_cast<float>(axes[places[i]].in));
    }
    const auto policy = node.attribute_or<std::string>("keep_aspect_ratio_policy", "stretch");
    if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller") {
        node.refuse("its keep_aspect_ratio_policy is none that is known");
    }
    const auto [least, most] = std::ranges::minmax(scales);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        auto& axis = axes[places[i]];
        axis.out = sizes[i];
        axis.scale = scales[i];
        if (policy == "stretch") continue;
        axis.scale = policy == "not_larger" ? least : most;
        axis.out = std::llround(axis.scale * static_cast<float>(axis.in));
    }
}

void read_scales(const NodeLowering& node, const std::vector<std::size_t>& places, std::vector<ResizeAxis>& axes) {
    const auto scales = node.constant<float>(2);
    if (scales.size() != places.size()) node.refuse("its scales are not one per axis");
    for (std::size_t i = 0; i < scales.size(); ++i) {
        auto& axis = axes[places[i]];
        constexpr float kMost = 1 << 20;
        if (!(scales[i] > 0 && scales[i] < kMost)) node.refuse("one of its scales is out of range");
        axis.scale = scales[i];
        axis.out = static_cast<std::int64_t>(axis.scale * static_cast<float>(axis.in));
    }
}

void read_roi(const NodeLowering& node, const std::vector<std::size_t>& places, std::vector<ResizeAxis>& axes) {
    const auto roi = node.constant<float>(1);
    constexpr float kMost = 1 << 10;
    const auto is_fine = [](float value) { return std::abs(value) < kMost; };
    if (roi.size() != 2 * places.size() || !std::ranges::all_of(roi, is_fine)) {
        node.refuse("its region is not two numbers per axis");
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        axes[places[i]].roi_start = roi[i];
        axes[places[i]].roi_end = roi[places.size() + i];
    }
}

std::vector<ResizeAxis> read_axes(const NodeLowering& node, const ResizeRule& rule) {
    const auto& shape = node.shape(node.input(0));
    std::vector<ResizeAxis> axes;
    for (const auto size : shape) axes.push_back({.in = size, .out = size});
    std::vector<std::size_t> places;
    if (const auto given = node.attribute<std::vector<std::int64_t>>("axes")) {
        for (const auto axis : *given) places.push_back(node.axis_of(axis, shape.size()));
    } else {
        for (std::size_t i = 0; i < shape.size(); ++i) places.push_back(i);
    }
    if (elements_of(shape) == 0 || places.empty()) node.refuse("its input is empty");
    if (has_values(node, 2)) {
        read_scales(node, places, axes);
    } else {
        read_sizes(node, places, axes);
    }
    if (rule.coordinates == "tf_crop_and_resize" && has_values(node, 1)) read_roi(node, places, axes);
    for (const auto& axis : axes) {
        constexpr std::int64_t kMost = 1 << 24;
        if (axis.out < 1 || axis.out > kMost || axis.in > kMost) node.refuse("one of its sizes is out of range");
    }
    return axes;
}

template <class T>
void emit_axis(NodeLowering& node, const ResizeRule& rule, const ResizeAxis& axis, std::size_t place, ValueId& x) {
    auto shape = node.shape(x);
    ResizeKernel<T> kernel{.outer = 1,
                           .in = static_cast<std::size_t>(axis.in),
                           .out = static_cast<std::size_t>(axis.out),
                           .inner = 1,
                           .table = {},
                           .outside = nearest_of<T>(node.attribute_or("extrapolation_value", 0.0F))};
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (i != place) (i < place ? kernel.outer : kernel.inner) *= static_cast<std::size_t>(shape[i]);
    }
    constexpr std::size_t kMostTaps = 4;
    node.require_table(kernel.out * kMostTaps);
    kernel.table = resize_table(rule, axis);
    shape[place] = axis.out;
    const auto out = node.add_value(node.type(x), shape);
    node.emit(std::move(kernel), {x}, {out});
    x = out;
}

void lower_resize(NodeLowering& node) {
    auto x = node.input(0);
    const auto rule = read_rule(node);
    const auto axes = read_axes(node, rule);
    if (rule.mode != "nearest") node.require_type(x, DataType::f32);
    for (std::size_t i = 0; i < axes.size(); ++i) {
        if (axes[i].scale == 1.0F && axes[i].out == axes[i].in) continue;
        switch (node.type(x)) {
            case DataType::f32:
                emit_axis<float>(node, rule, axes[i], i, x);
                break;
            case DataType::i64:
                emit_axis<std::int64_t>(node, rule, axes[i], i, x);
                break;
            case DataType::i32:
                emit_axis<std::int32_t>(node, rule, axes[i], i, x);
                break;
            case DataType::u8:
                emit_axis<std::uint8_t>(node, rule, axes[i], i, x);
                break;
            case DataType::i8:
                emit_axis<std::int8_t>(node, rule, axes[i], i, x);
                break;
            case DataType::boolean:
                node.refuse("this element type is not in the native executor");
        }
    }
    node.set_output(0, x);
}

constexpr Operator kOperators[] = {{"Resize", lower_resize}};

}  // namespace

std::span<const Operator> resize_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
