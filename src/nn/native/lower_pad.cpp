// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include "nn/native/copy_kernel.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/piece_copies.hpp"
#include "nn/native/zero_border.hpp"

namespace sidetone::nn::native {
namespace {

/// Fills with one value, then copies what is inside. Operands: x, the value, out.
struct PadKernel {
    StridedCopy copy;
    std::size_t elements;
    std::vector<Border> borders;
    void operator()(void* const* p) const noexcept {
        switch (copy.element) {
            case 1:
                fill<std::uint8_t>(p[1], p[2]);
                break;
            case 4:
                fill<std::uint32_t>(p[1], p[2]);
                break;
            default:
                fill<std::uint64_t>(p[1], p[2]);
        }
        copy(p[0], p[2]);
    }
    template <class T>
    void fill(const void* value, void* out) const noexcept {
        std::fill_n(static_cast<T*>(out), elements, *static_cast<const T*>(value));
    }
};

struct PiecesKernel {
    PieceCopies copies;
    void operator()(void* const* p) const noexcept { copies(p[0], p[1]); }
};

std::vector<Border> read_borders(const NodeLowering& node, std::size_t rank) {
    const auto pads = node.constant_integers(1);
    std::vector<std::int64_t> axes(rank);
    std::iota(axes.begin(), axes.end(), 0);
    if (node.has_input(3)) axes = node.constant_integers(3);
    if (pads.size() != 2 * axes.size()) node.refuse("its pads are not two for every dimension");
    std::vector<Border> borders(rank);
    for (std::size_t i = 0; i < axes.size(); ++i) {
        constexpr auto kMaxPad = static_cast<std::int64_t>(kMaxTensorBytes);
        auto& border = borders[node.axis_of(axes[i], rank)];
        border = {pads[i], pads[i + axes.size()]};
        for (const auto pad : {border.before, border.after}) {
            if (pad > kMaxPad || pad < -kMaxPad) node.refuse("its pads are too large");
        }
    }
    return borders;
}

// Where a padded place finds its value in a dimension of `size`.
std::int64_t source_of(std::int64_t at, std::int64_t size, const std::string& mode) {
    if (mode == "edge") return std::clamp<std::int64_t>(at, 0, size - 1);
    if (mode == "wrap") return (at % size + size) % size;
    if (at < 0) at = -at;
    return at >= size ? 2 * (size - 1) - at : at;
}

std::vector<std::uint32_t> padded_places(const Shape& whole, const Shape& shape, const std::vector<Border>& borders,
                                         const std::string& mode) {
    const auto strides = contiguous_strides(whole);
    std::vector<std::uint32_t> places(1, 0);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        std::vector<std::uint32_t> next;
        for (const auto place : places) {
            for (std::int64_t i = 0; i < shape[axis]; ++i) {
                const auto from = source_of(i - borders[axis].before, whole[axis], mode);
                next.push_back(place + static_cast<std::uint32_t>(from * strides[axis]));
            }
        }
        places = std::move(next);
    }
    return places;
}

ValueId filling_of(NodeLowering& node, DataType type) {
    constexpr std::array<std::byte, 8> kZero{};
    if (!node.has_input(2)) return node.add_constant(type, {}, kZero);
    const auto filling = node.input(2);
    node.require_type(filling, type);
    if (node.value(filling).elements() != 1) node.refuse("its value is not one");
    return filling;
}

void emit_filled(NodeLowering& node, ValueId x, const std::vector<Border>& borders, ValueId out) {
    const auto& whole = node.shape(x);
    const auto from_strides = contiguous_strides(whole);
    const auto to_strides = contiguous_strides(node.shape(out));
    Shape kept = whole;
    std::ptrdiff_t from = 0;
    std::ptrdiff_t to = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
        const auto [before, after] = borders[i];
        kept[i] =
            std::max<std::int64_t>(kept[i] + std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(after, 0), 0);
        from += std::max<std::int64_t>(-before, 0) * from_strides[i];
        to += std::max<std::int64_t>(before, 0) * to_strides[i];
    }
    const auto type = node.type(x);
    node.emit(
        PadKernel{
            .copy = {.nest = {kept, {from_strides, to_strides}}, .from = from, .to = to, .element = bytes_of(type)},
            .elements = node.value(out).elements(),
            .borders = borders},
        {x, filling_of(node, type)}, {out});
}

void lower_pad(NodeLowering& node) {
    const auto x = node.input(0);
    const auto whole = node.shape(x);
    const auto borders = read_borders(node, whole.size());
    const auto mode = node.attribute_or<std::string>("mode", "constant");
    if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap") {
        node.refuse("mode \"" + one_line(mode) + "\" is not in the native executor");
    }
    auto shape = whole;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const auto [before, after] = borders[i];
        shape[i] += before + after;
        if (shape[i] < 0) node.refuse("it cuts off more than there is");
        if (mode == "constant" || (before <= 0 && after <= 0)) continue;
        if (whole[i] == 0) node.refuse("its input has no edge");
        if (mode == "reflect" && std::max(before, after) >= whole[i]) node.refuse("it reflects more than there is");
    }
    const auto out = node.add_value(node.type(x), shape);
    if (mode == "constant") {
        emit_filled(node, x, borders, out);
    } else {
        node.require_table(elements_of(shape));
        PieceCopies copies{bytes_of(node.type(x))};
        std::size_t to = 0;
        for (const auto from : padded_places(whole, shape, borders, mode)) copies.add(from, to++, 1);
        node.emit(PiecesKernel{std::move(copies)}, {x}, {out});
    }
    node.set_output(0, out);
}

constexpr Operator kOperators[] = {{"Pad", lower_pad}};

}  // namespace

std::optional<ZeroBorder> zero_border(const NodeLowering& node, ValueId x) {
    const auto* step = node.producer(x, "Pad");
    // Two operands that are read, a value and the filling, are a PadKernel's.
    if (step == nullptr || step->reads != 2 || !node.is_number(step->operands[1], 0.0F)) return std::nullopt;
    const auto& borders = static_cast<const PadKernel*>(step->kernel.get())->borders;
    const bool cuts = std::ranges::any_of(borders, [](const Border& b) { return b.before < 0 || b.after < 0; });
    if (cuts) return std::nullopt;
    return ZeroBorder{step->operands[0], borders};
}

std::span<const Operator> pad_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
