// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <numeric>

#include "nn/native/copy_kernel.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

constexpr auto kMaxStep = static_cast<std::int64_t>(kMaxTensorBytes);

struct CopyKernel {
    StridedCopy copy;
    void operator()(void* const* p) const noexcept { copy(p[0], p[1]); }
};

void lower_transpose(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& from = node.shape(x);
    std::vector<std::int64_t> order(from.size());
    std::iota(order.rbegin(), order.rend(), 0);
    order = node.attribute_or("perm", order);
    auto sorted = order;
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (order.size() != from.size() || sorted[i] != static_cast<std::int64_t>(i)) node.refuse("its perm is none");
    }
    const auto own = contiguous_strides(from);
    Shape shape;
    Strides strides;
    for (const auto axis : order) {
        shape.push_back(from[static_cast<std::size_t>(axis)]);
        strides.push_back(own[static_cast<std::size_t>(axis)]);
    }
    node.set_output(0, emit_part(node, x, shape, strides, 0));
}

void lower_slice(NodeLowering& node) {
    const auto x = node.input(0);
    auto shape = node.shape(x);
    auto strides = contiguous_strides(shape);
    const auto starts = node.constant_integers(1);
    const auto ends = node.constant_integers(2);
    std::vector<std::int64_t> axes(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
    if (node.has_input(3)) axes = node.constant_integers(3);
    std::vector<std::int64_t> steps(starts.size(), 1);
    if (node.has_input(4)) steps = node.constant_integers(4);
    if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
        node.refuse("its starts, ends, axes and steps differ in number");
    }
    std::ptrdiff_t first = 0;
    std::vector<bool> is_sliced(shape.size());
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const auto axis = node.axis_of(axes[i], shape.size());
        if (is_sliced[axis]) node.refuse("an axis is there twice");
        is_sliced[axis] = true;
        const auto size = shape[axis];
        const auto step = steps[i];
        if (step == 0 || step < -kMaxStep || step > kMaxStep) node.refuse("its step is out of range");
        const auto from_start = [&](std::int64_t at) { return at < 0 ? at + size : at; };
        const auto last = step > 0 ? size : size - 1;
        const auto start = std::clamp<std::int64_t>(from_start(starts[i]), 0, std::max<std::int64_t>(last, 0));
        const auto end =
            std::clamp<std::int64_t>(from_start(ends[i]), step > 0 ? 0 : -1, std::max<std::int64_t>(last, -1));
        const auto distance = step > 0 ? end - start : start - end;
        const auto pace = step > 0 ? step : -step;
        shape[axis] = distance > 0 ? (distance + pace - 1) / pace : 0;
        if (shape[axis] > 0) first += start * strides[axis];
        strides[axis] *= step;
    }
    if (elements_of(shape) == 0) first = 0;
    node.set_output(0, emit_part(node, x, shape, strides, first));
}

void lower_split(NodeLowering& node) {
    const auto x = node.input(0);
    const auto whole = node.shape(x);
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 0), whole.size());
    const auto parts = static_cast<std::int64_t>(node.output_count());
    if (parts == 0) return;
    const auto each = (whole[axis] + parts - 1) / parts;
    std::vector<std::int64_t> sizes(node.output_count(), each);
    sizes.back() = whole[axis] - each * (parts - 1);
    if (const auto given = node.integers("split", 1)) sizes = *given;
    std::int64_t total = 0;
    for (const auto size : sizes) {
        if (size < 0 || size > whole[axis]) node.refuse("its parts are not those of its input");
        total += size;
    }
    if (total != whole[axis] || sizes.size() != node.output_count())
        node.refuse("its parts are not those of its input");
    const auto strides = contiguous_strides(whole);
    std::ptrdiff_t first = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        auto shape = whole;
        shape[axis] = sizes[i];
        node.set_output(i, emit_part(node, x, shape, strides, elements_of(shape) == 0 ? 0 : first));
        first += sizes[i] * strides[axis];
    }
}

struct ConcatKernel {
    std::vector<StridedCopy> parts;
    bool are_in_one_piece;  // each part, in the output

    [[nodiscard]] std::vector<std::size_t> part_offsets() const {
        std::vector<std::size_t> offsets;
        for (const auto& part : parts) offsets.push_back(static_cast<std::size_t>(part.to) * part.element);
        if (!are_in_one_piece) offsets.clear();
        return offsets;
    }
    void operator()(void* const* p) const noexcept {
        auto* out = static_cast<std::byte*>(p[parts.size()]);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const auto& part = parts[i];
            // What was computed in its place needs no copy.
            const bool is_there = are_in_one_piece && p[i] == out + static_cast<std::size_t>(part.to) * part.element;
            if (!is_there) part(p[i], out);
        }
    }
};

void lower_concat(NodeLowering& node) {
    auto shape = node.shape(node.input(0));
    const auto type = node.type(node.input(0));
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 0), shape.size());
    std::vector<ValueId> reads;
    std::int64_t size = 0;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
        const auto x = node.input(i);
        node.require_type(x, type);
        auto same = node.shape(x);
        if (same.size() != shape.size()) node.refuse("its inputs differ in rank");
        size += same[axis];
        same[axis] = shape[axis];
        if (same != shape) node.refuse("its inputs differ beside the axis");
        reads.push_back(x);
    }
    shape[axis] = size;
    const auto out = node.add_value(type, shape);
    const auto strides = contiguous_strides(shape);
    const auto before = elements_of({shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis)});
    ConcatKernel kernel{.parts = {}, .are_in_one_piece = before == 1};
    std::ptrdiff_t at = 0;
    for (const auto x : reads) {
        const auto& part = node.shape(x);
        kernel.parts.push_back(
            {.nest = {part, {contiguous_strides(part), strides}}, .to = at, .element = bytes_of(type)});
        at += part[axis] * strides[axis];
    }
    node.emit(std::move(kernel), reads, {out});
    node.set_output(0, out);
}

void lower_expand(NodeLowering& node) {
    const auto x = node.input(0);
    const auto shape = node.broadcast(node.shape(x), node.constant_integers(1));
    node.set_output(0, emit_part(node, x, shape, broadcast_strides(node.shape(x), shape), 0));
}

constexpr Operator kOperators[] = {
    {"Transpose", lower_transpose}, {"Slice", lower_slice},   {"Split", lower_split},
    {"Concat", lower_concat},       {"Expand", lower_expand},
};

}  // namespace

ValueId emit_part(NodeLowering& node, ValueId x, const Shape& shape, const Strides& strides, std::ptrdiff_t first) {
    node.check_shape(node.type(x), shape);
    const auto dense = contiguous_strides(shape);
    bool in_one_piece = true;
    for (std::size_t i = 0; i < shape.size(); ++i)
        in_one_piece = in_one_piece && (shape[i] == 1 || strides[i] == dense[i]);
    if (in_one_piece) return node.add_view(x, shape, static_cast<std::size_t>(first));
    const auto out = node.add_value(node.type(x), shape);
    node.emit(CopyKernel{{.nest = {shape, {strides, dense}}, .from = first, .element = bytes_of(node.type(x))}}, {x},
              {out});
    return out;
}

std::span<const Operator> copy_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
