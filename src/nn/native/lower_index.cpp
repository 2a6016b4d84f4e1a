// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <string>

#include "nn/native/copy_kernel.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

/// Copies pieces of one size from places known at load.
struct PiecesKernel {
    std::vector<std::size_t> from;  // bytes
    std::size_t bytes;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const std::byte*>(p[0]);
        auto* out = static_cast<std::byte*>(p[1]);
        for (const auto at : from) {
            std::memcpy(out, x + at, bytes);
            out += bytes;
        }
    }
};

std::size_t product(const Shape& shape, std::size_t first, std::size_t last) {
    return elements_of(
        {shape.begin() + static_cast<std::ptrdiff_t>(first), shape.begin() + static_cast<std::ptrdiff_t>(last)});
}

void lower_gather(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& whole = node.shape(x);
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 0), whole.size());
    const auto indices = node.constant_integers(1);
    const auto& index_shape = node.shape(node.input(1));
    Shape shape{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(axis)};
    shape.insert(shape.end(), index_shape.begin(), index_shape.end());
    shape.insert(shape.end(), whole.begin() + static_cast<std::ptrdiff_t>(axis) + 1, whole.end());
    const auto piece = product(whole, axis + 1, whole.size());
    const auto before = product(whole, 0, axis);
    const auto size = static_cast<std::size_t>(whole[axis]);
    std::vector<std::size_t> from;
    const auto out = node.add_value(node.type(x), shape);  // checks the size before the table is made
    for (std::size_t i = 0; i < before; ++i) {
        for (const auto index : indices) from.push_back((i * size + node.axis_of(index, size)) * piece);
    }
    if (from.size() == 1) return node.set_output(0, node.add_view(x, shape, from[0]));
    const auto element = bytes_of(node.type(x));
    for (auto& at : from) at *= element;
    node.emit(PiecesKernel{std::move(from), piece * element}, {x}, {out});
    node.set_output(0, out);
}

/// A copy of the data with pieces of the updates written over it, at places known at load.
struct ScatterKernel {
    std::vector<std::size_t> to;  // bytes
    std::size_t piece, bytes;
    void operator()(void* const* p) const noexcept {
        auto* out = static_cast<std::byte*>(p[2]);
        const auto* updates = static_cast<const std::byte*>(p[1]);
        std::memcpy(out, p[0], bytes);
        for (const auto at : to) {
            std::memcpy(out + at, updates, piece);
            updates += piece;
        }
    }
};

void lower_scatter(NodeLowering& node) {
    if (node.attribute_or<std::string>("reduction", "none") != "none") {
        node.refuse("a reduction is not in the native executor");
    }
    const auto data = node.input(0);
    const auto updates = node.input(2);
    node.require_type(updates, node.type(data));
    const auto indices = node.constant_integers(1);
    const auto& index_shape = node.shape(node.input(1));
    const auto& shape = node.shape(data);
    const auto depth = index_shape.empty() ? 0 : static_cast<std::size_t>(index_shape.back());
    if (depth == 0 || depth > shape.size()) node.refuse("its indices do not fit its data");
    const auto strides = contiguous_strides(shape);
    const auto element = bytes_of(node.type(data));
    const auto piece = product(shape, depth, shape.size());
    ScatterKernel kernel{.to = {}, .piece = piece * element, .bytes = node.value(data).bytes()};
    for (std::size_t i = 0; i + depth <= indices.size(); i += depth) {
        std::size_t at = 0;
        for (std::size_t k = 0; k < depth; ++k) {
            at +=
                node.axis_of(indices[i + k], static_cast<std::size_t>(shape[k])) * static_cast<std::size_t>(strides[k]);
        }
        kernel.to.push_back(at * element);
    }
    if (node.value(updates).elements() != kernel.to.size() * piece) node.refuse("its updates do not fit its indices");
    const auto out = node.add_value(node.type(data), shape);
    node.emit(std::move(kernel), {data, updates}, {out});
    node.set_output(0, out);
}

/// Fills with one value, then copies what is inside.
struct PadKernel {
    StridedCopy copy;
    std::size_t elements;
    std::uint64_t filling;  // of `copy.element` bytes
    void operator()(void* const* p) const noexcept {
        auto* out = static_cast<std::byte*>(p[1]);
        for (std::size_t i = 0; i < elements; ++i) std::memcpy(out + i * copy.element, &filling, copy.element);
        copy(p[0], p[1]);
    }
};

/// Every element from its own place: reflections and repeated edges.
struct ElementsKernel {
    std::vector<std::uint32_t> from;
    std::size_t element;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const std::byte*>(p[0]);
        auto* out = static_cast<std::byte*>(p[1]);
        for (std::size_t i = 0; i < from.size(); ++i) std::memcpy(out + i * element, x + from[i] * element, element);
    }
};

std::int64_t mirrored(std::int64_t at, std::int64_t size, bool reflects) {
    if (!reflects) return std::clamp<std::int64_t>(at, 0, size - 1);
    if (at < 0) at = -at;
    return at >= size ? 2 * (size - 1) - at : at;
}

std::vector<std::uint32_t> padded_places(const Shape& whole, const Shape& shape, std::span<const std::int64_t> before,
                                         bool reflects) {
    const auto strides = contiguous_strides(whole);
    std::vector<std::uint32_t> places(1, 0);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        std::vector<std::uint32_t> next;
        for (const auto place : places) {
            for (std::int64_t i = 0; i < shape[axis]; ++i) {
                next.push_back(place + static_cast<std::uint32_t>(mirrored(i - before[axis], whole[axis], reflects) *
                                                                  strides[axis]));
            }
        }
        places = std::move(next);
    }
    return places;
}

std::uint64_t filling_of(NodeLowering& node, DataType type) {
    std::uint64_t filling = 0;
    if (!node.has_input(2)) return filling;
    if (type == DataType::f32) {
        std::memcpy(&filling, node.constant<float>(2).data(), sizeof(float));
    } else if (type == DataType::i64) {
        std::memcpy(&filling, node.constant<std::int64_t>(2).data(), sizeof(std::int64_t));
    } else {
        node.refuse("this element type is not in the native executor");
    }
    return filling;
}

void lower_pad(NodeLowering& node) {
    const auto x = node.input(0);
    const auto whole = node.shape(x);
    const auto pads = node.constant_integers(1);
    if (node.has_input(3) || pads.size() != 2 * whole.size()) node.refuse("its pads are not two for every dimension");
    const auto mode = node.attribute_or<std::string>("mode", "constant");
    auto shape = whole;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        constexpr auto kMaxPad = static_cast<std::int64_t>(kMaxTensorBytes);
        if (std::abs(pads[i]) > kMaxPad || std::abs(pads[i + shape.size()]) > kMaxPad)
            node.refuse("its pads are too large");
        shape[i] += pads[i] + pads[i + shape.size()];
        const auto most = std::max(pads[i], pads[i + shape.size()]);
        const auto least = std::min(pads[i], pads[i + shape.size()]);
        if (least < 0) node.refuse("pads below 0 are not in the native executor");
        if (mode == "reflect" && most >= std::max<std::int64_t>(whole[i], 1))
            node.refuse("it reflects more than there is");
        if (mode == "edge" && whole[i] == 0) node.refuse("its input has no edge");
    }
    const auto type = node.type(x);
    const auto out = node.add_value(type, shape);
    if (mode == "constant") {
        const auto strides = contiguous_strides(shape);
        std::ptrdiff_t first = 0;
        for (std::size_t i = 0; i < shape.size(); ++i) first += pads[i] * strides[i];
        node.emit(
            PadKernel{
                .copy = {.nest = {whole, {contiguous_strides(whole), strides}}, .to = first, .element = bytes_of(type)},
                .elements = node.value(out).elements(),
                .filling = filling_of(node, type)},
            {x}, {out});
    } else if (mode == "reflect" || mode == "edge") {
        node.emit(ElementsKernel{padded_places(whole, shape, pads, mode == "reflect"), bytes_of(type)}, {x}, {out});
    } else {
        node.refuse("mode \"" + one_line(mode) + "\" is not in the native executor");
    }
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {{"Gather", lower_gather}, {"ScatterND", lower_scatter}, {"Pad", lower_pad}};

}  // namespace

std::span<const Operator> index_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
