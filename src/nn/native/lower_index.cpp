// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <string>

#include "nn/native/copy_kernel.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/piece_copies.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

struct PiecesKernel {
    PieceCopies copies;
    void operator()(void* const* p) const noexcept { copies(p[0], p[1]); }
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
    if (indices.size() == 1) {
        // One place on the axis: what is left are strides.
        auto strides = contiguous_strides(whole);
        const auto index = static_cast<std::ptrdiff_t>(node.axis_of(indices[0], size));
        const auto first = index * strides[axis];
        const auto at = strides.erase(strides.begin() + static_cast<std::ptrdiff_t>(axis));
        strides.insert(at, index_shape.size(), 0);
        return node.set_output(0, emit_part(node, x, shape, strides, first));
    }
    const auto out = node.add_value(node.type(x), shape);  // checks the size before the table is made
    PieceCopies copies{bytes_of(node.type(x))};
    std::size_t to = 0;
    for (std::size_t i = 0; i < before; ++i) {
        for (const auto index : indices) {
            copies.add((i * size + node.axis_of(index, size)) * piece, to, piece);
            to += piece;
        }
    }
    node.emit(PiecesKernel{std::move(copies)}, {x}, {out});
    node.set_output(0, out);
}

/// A copy of the data with pieces of the updates written over it, at places known at load.
struct ScatterKernel {
    PieceCopies updates;
    std::size_t bytes;

    [[nodiscard]] static constexpr bool may_overwrite_input() noexcept { return true; }
    void operator()(void* const* p) const noexcept {
        // Where nothing else reads the data, the output lies in its place.
        if (p[2] != p[0]) std::memcpy(p[2], p[0], bytes);
        updates(p[1], p[2]);
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
    const auto piece = product(shape, depth, shape.size());
    ScatterKernel kernel{.updates = PieceCopies{bytes_of(node.type(data))}, .bytes = node.value(data).bytes()};
    std::size_t from = 0;
    for (std::size_t i = 0; i + depth <= indices.size(); i += depth) {
        std::size_t at = 0;
        for (std::size_t k = 0; k < depth; ++k) {
            at +=
                node.axis_of(indices[i + k], static_cast<std::size_t>(shape[k])) * static_cast<std::size_t>(strides[k]);
        }
        kernel.updates.add(from, at, piece);
        from += piece;
    }
    if (node.value(updates).elements() != from) node.refuse("its updates do not fit its indices");
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
        switch (copy.element) {
            case 1:
                std::fill_n(static_cast<std::uint8_t*>(p[1]), elements, static_cast<std::uint8_t>(filling));
                break;
            case 4:
                std::fill_n(static_cast<std::uint32_t*>(p[1]), elements, static_cast<std::uint32_t>(filling));
                break;
            default:
                std::fill_n(static_cast<std::uint64_t*>(p[1]), elements, filling);
        }
        copy(p[0], p[1]);
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
        PieceCopies copies{bytes_of(type)};
        std::size_t to = 0;
        for (const auto from : padded_places(whole, shape, pads, mode == "reflect")) copies.add(from, to++, 1);
        node.emit(PiecesKernel{std::move(copies)}, {x}, {out});
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
