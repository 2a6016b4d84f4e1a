// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <string>

#include "nn/native/lowering.hpp"
#include "nn/native/piece_copies.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

std::size_t product(const Shape& shape, std::size_t first, std::size_t last) {
    return elements_of(
        {shape.begin() + static_cast<std::ptrdiff_t>(first), shape.begin() + static_cast<std::ptrdiff_t>(last)});
}

struct PiecesKernel {
    PieceCopies copies;
    void operator()(void* const* p) const noexcept { copies(p[0], p[1]); }
};

/// Copies the pieces that indices name while it runs; those out of range take the nearest that there is.
template <class Index>
struct IndexedPiecesKernel {
    std::size_t outer, size, indices, bytes;
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const std::byte*>(p[0]);
        const auto* index = static_cast<const Index*>(p[1]);
        auto* out = static_cast<std::byte*>(p[2]);
        const auto count = static_cast<std::int64_t>(size);
        for (std::size_t o = 0; o < outer; ++o, x += size * bytes) {
            for (std::size_t i = 0; i < indices; ++i, out += bytes) {
                auto at = static_cast<std::int64_t>(index[i]);
                at = std::clamp<std::int64_t>(at < 0 ? at + count : at, 0, count - 1);
                std::memcpy(out, x + static_cast<std::size_t>(at) * bytes, bytes);
            }
        }
    }
};

void emit_indexed(NodeLowering& node, std::size_t outer, std::size_t size, std::size_t bytes, ValueId out) {
    const auto x = node.input(0);
    const auto index = node.input(1);
    if (size == 0) node.refuse("there is nothing to gather from");
    const auto indices = node.value(index).elements();
    if (node.type(index) == DataType::i32) {
        node.emit(IndexedPiecesKernel<std::int32_t>{outer, size, indices, bytes}, {x, index}, {out});
    } else {
        node.require_type(index, DataType::i64);
        node.emit(IndexedPiecesKernel<std::int64_t>{outer, size, indices, bytes}, {x, index}, {out});
    }
}

void lower_gather(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& whole = node.shape(x);
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 0), whole.size());
    const auto& index_shape = node.shape(node.input(1));
    Shape shape{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(axis)};
    shape.insert(shape.end(), index_shape.begin(), index_shape.end());
    shape.insert(shape.end(), whole.begin() + static_cast<std::ptrdiff_t>(axis) + 1, whole.end());
    const auto piece = product(whole, axis + 1, whole.size());
    const auto before = product(whole, 0, axis);
    const auto size = static_cast<std::size_t>(whole[axis]);
    const auto element = bytes_of(node.type(x));
    if (!node.is_constant(node.input(1))) {
        const auto out = node.add_value(node.type(x), shape);
        emit_indexed(node, before, size, piece * element, out);
        return node.set_output(0, out);
    }
    const auto indices = node.constant_integers(1);
    if (indices.size() == 1) {
        // One place on the axis: what is left are strides.
        auto strides = contiguous_strides(whole);
        const auto first = static_cast<std::ptrdiff_t>(node.axis_of(indices[0], size)) * strides[axis];
        const auto at = strides.erase(strides.begin() + static_cast<std::ptrdiff_t>(axis));
        strides.insert(at, index_shape.size(), 0);
        return node.set_output(0, emit_part(node, x, shape, strides, first));
    }
    const auto out = node.add_value(node.type(x), shape);  // checks the size before the table is made
    node.require_table(before * indices.size());
    PieceCopies copies{element};
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

// For every index its own place in `whole` but along the axis, where it is the index.
std::vector<std::size_t> places_along_axis(const NodeLowering& node, const Shape& whole, std::size_t axis) {
    const auto indices = node.constant_integers(1);
    const auto& index_shape = node.shape(node.input(1));
    if (index_shape.size() != whole.size()) node.refuse("its indices differ from its data in rank");
    for (std::size_t i = 0; i < whole.size(); ++i) {
        if (i != axis && index_shape[i] > whole[i]) node.refuse("its indices do not fit its data");
    }
    node.require_table(indices.size());
    const auto own = contiguous_strides(whole);
    const auto steps = contiguous_strides(index_shape);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < indices.size(); ++i) {
        auto at =
            static_cast<std::ptrdiff_t>(node.axis_of(indices[i], static_cast<std::size_t>(whole[axis]))) * own[axis];
        for (std::size_t k = 0; k < whole.size(); ++k) {
            if (k == axis) continue;
            at += static_cast<std::ptrdiff_t>(i) / steps[k] % static_cast<std::ptrdiff_t>(index_shape[k]) * own[k];
        }
        places.push_back(static_cast<std::size_t>(at));
    }
    return places;
}

PieceCopies gathered(std::span<const std::size_t> places, std::size_t piece, std::size_t element) {
    PieceCopies copies{element};
    for (std::size_t i = 0; i < places.size(); ++i) copies.add(places[i], i * piece, piece);
    return copies;
}

void lower_gather_elements(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& whole = node.shape(x);
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 0), whole.size());
    const auto places = places_along_axis(node, whole, axis);
    const auto out = node.add_value(node.type(x), node.shape(node.input(1)));
    node.emit(PiecesKernel{gathered(places, 1, bytes_of(node.type(x)))}, {x}, {out});
    node.set_output(0, out);
}

/// The elements at which tuples of indices point into the first dimensions of `whole`.
struct Tuples {
    std::vector<std::size_t> places;
    std::size_t piece = 1;  // elements that follow each
    Shape outer, inner;     // of the indices, and of a piece
};

Tuples read_tuples(const NodeLowering& node, const Shape& whole) {
    const auto indices = node.constant_integers(1);
    const auto& index_shape = node.shape(node.input(1));
    const auto depth = index_shape.empty() ? 0 : static_cast<std::size_t>(index_shape.back());
    if (depth == 0 || depth > whole.size()) node.refuse("its indices do not fit its data");
    node.require_table(indices.size() / depth);
    const auto strides = contiguous_strides(whole);
    Tuples tuples{.places = {},
                  .piece = product(whole, depth, whole.size()),
                  .outer = {index_shape.begin(), index_shape.end() - 1},
                  .inner = {whole.begin() + static_cast<std::ptrdiff_t>(depth), whole.end()}};
    for (std::size_t i = 0; i + depth <= indices.size(); i += depth) {
        std::size_t at = 0;
        for (std::size_t k = 0; k < depth; ++k) {
            at +=
                node.axis_of(indices[i + k], static_cast<std::size_t>(whole[k])) * static_cast<std::size_t>(strides[k]);
        }
        tuples.places.push_back(at);
    }
    return tuples;
}

void lower_gather_nd(NodeLowering& node) {
    if (node.attribute_or<std::int64_t>("batch_dims", 0) != 0) node.refuse("batches are not in the native executor");
    const auto x = node.input(0);
    const auto tuples = read_tuples(node, node.shape(x));
    auto shape = tuples.outer;
    shape.insert(shape.end(), tuples.inner.begin(), tuples.inner.end());
    const auto out = node.add_value(node.type(x), shape);
    node.emit(PiecesKernel{gathered(tuples.places, tuples.piece, bytes_of(node.type(x)))}, {x}, {out});
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

/// The same, but what is there already has its part in the result.
struct CombiningScatterKernel {
    std::vector<std::uint32_t> to;
    std::size_t elements;
    float (*combine)(float there, float update) noexcept;
    void operator()(void* const* p) const noexcept {
        auto* out = static_cast<float*>(p[2]);
        const auto* updates = static_cast<const float*>(p[1]);
        std::copy_n(static_cast<const float*>(p[0]), elements, out);
        for (std::size_t i = 0; i < to.size(); ++i) out[to[i]] = combine(out[to[i]], updates[i]);
    }
};

void emit_scatter(NodeLowering& node, const std::vector<std::size_t>& places, std::size_t piece) {
    const auto data = node.input(0);
    const auto updates = node.input(2);
    const auto type = node.type(data);
    node.require_type(updates, type);
    if (node.value(updates).elements() != places.size() * piece) node.refuse("its updates do not fit its indices");
    const auto out = node.add_value(type, node.shape(data));
    const auto reduction = node.attribute_or<std::string>("reduction", "none");
    if (reduction == "none") {
        ScatterKernel kernel{PieceCopies{bytes_of(type)}, node.value(data).bytes()};
        for (std::size_t i = 0; i < places.size(); ++i) kernel.updates.add(i * piece, places[i], piece);
        node.emit(std::move(kernel), {data, updates}, {out});
        return node.set_output(0, out);
    }
    node.require_type(data, DataType::f32);
    node.require_table(places.size() * piece);
    CombiningScatterKernel kernel{{}, node.value(data).elements(), nullptr};
    for (const auto at : places) {
        for (std::size_t i = 0; i < piece; ++i) kernel.to.push_back(static_cast<std::uint32_t>(at + i));
    }
    if (reduction == "add") {
        kernel.combine = [](float a, float b) noexcept { return a + b; };
    } else if (reduction == "mul") {
        kernel.combine = [](float a, float b) noexcept { return a * b; };
    } else if (reduction == "max") {
        kernel.combine = [](float a, float b) noexcept { return std::max(a, b); };
    } else if (reduction == "min") {
        kernel.combine = [](float a, float b) noexcept { return std::min(a, b); };
    } else {
        node.refuse("this reduction is not in the native executor");
    }
    node.emit(std::move(kernel), {data, updates}, {out});
    node.set_output(0, out);
}

void lower_scatter_nd(NodeLowering& node) {
    const auto tuples = read_tuples(node, node.shape(node.input(0)));
    emit_scatter(node, tuples.places, tuples.piece);
}

void lower_scatter_elements(NodeLowering& node) {
    const auto& whole = node.shape(node.input(0));
    const auto axis = node.axis_of(node.attribute_or<std::int64_t>("axis", 0), whole.size());
    emit_scatter(node, places_along_axis(node, whole, axis), 1);
}

constexpr Operator kOperators[] = {
    {"Gather", lower_gather},        {"GatherElements", lower_gather_elements},   {"GatherND", lower_gather_nd},
    {"ScatterND", lower_scatter_nd}, {"ScatterElements", lower_scatter_elements},
};

}  // namespace

std::span<const Operator> index_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
