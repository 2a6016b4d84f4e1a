// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "nn/native/lowering.hpp"
#include "rt/error.hpp"

namespace sidetone::nn::native {
namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxTableEntries = 1U << 24U;

}  // namespace

void NodeLowering::refuse(const std::string& what) const {
    throw InputError{fmt::format("operator \"{}\" (node \"{}\", opset {}): {}", one_line(node_.operation),
                                 one_line(node_.name), lowering_.opset(), what)};
}

bool NodeLowering::has_input(std::size_t index) const noexcept {
    return index < node_.inputs.size() && !node_.inputs[index].empty();
}

bool NodeLowering::has_output(std::size_t index) const noexcept {
    return index < node_.outputs.size() && !node_.outputs[index].empty();
}

ValueId NodeLowering::input(std::size_t index) const {
    if (!has_input(index)) refuse(fmt::format("input {} is missing", index));
    const auto found = lowering_.find(node_.inputs[index]);
    // A file lists nodes in the order of their dependence; one that is not, or that is cyclic, ends here.
    if (!found) refuse(fmt::format("input \"{}\" is computed by no node before it", one_line(node_.inputs[index])));
    return *found;
}

const std::byte* NodeLowering::constant_bytes(std::size_t index, DataType type) const {
    const auto id = input(index);
    if (!is_constant(id)) {
        refuse(fmt::format("input \"{}\" that is not constant is not in the native executor",
                           one_line(node_.inputs[index])));
    }
    require_type(id, type);
    return lowering_.constant_bytes(id);
}

std::vector<std::int64_t> NodeLowering::constant_integers(std::size_t index) const {
    if (type(input(index)) == DataType::i32) {
        const auto values = constant<std::int32_t>(index);
        return {values.begin(), values.end()};
    }
    const auto values = constant<std::int64_t>(index);
    return {values.begin(), values.end()};
}

std::optional<std::vector<std::int64_t>> NodeLowering::integers(std::string_view name, std::size_t index) const {
    if (auto found = attribute<std::vector<std::int64_t>>(name)) return found;
    if (has_input(index)) return constant_integers(index);
    return std::nullopt;
}

std::vector<bool> NodeLowering::reduced_axes(std::size_t rank) const {
    std::vector<bool> goes(rank);
    const auto axes = integers("axes", 1).value_or(std::vector<std::int64_t>{});
    for (const auto axis : axes) goes[axis_of(axis, rank)] = true;
    if (axes.empty() && attribute_or<std::int64_t>("noop_with_empty_axes", 0) == 0) goes.assign(rank, true);
    return goes;
}

std::size_t NodeLowering::axis_of(std::int64_t axis, std::size_t rank) const {
    const auto count = static_cast<std::int64_t>(rank);
    if (axis < -count || axis >= count) refuse(fmt::format("axis {} of a tensor of {} dimensions", axis, rank));
    return static_cast<std::size_t>(axis < 0 ? axis + count : axis);
}

std::span<const float> NodeLowering::floats(ValueId id) const {
    return {reinterpret_cast<const float*>(lowering_.constant_bytes(id)), value(id).elements()};
}

std::span<const std::byte> NodeLowering::bytes(ValueId id) const {
    return {lowering_.constant_bytes(id), value(id).bytes()};
}

bool NodeLowering::is_number(ValueId id, float number) const {
    if (!is_constant(id) || type(id) != DataType::f32 || value(id).elements() != 1) return false;
    return floats(id)[0] == number;
}

const Step* NodeLowering::producer(ValueId id, std::string_view operation) const {
    const auto* found = lowering_.producer(id);
    return found != nullptr && found->operation == operation ? found : nullptr;
}

Shape NodeLowering::broadcast(const Shape& a, const Shape& b) const {
    const auto& longer = a.size() >= b.size() ? a : b;
    const auto& shorter = a.size() >= b.size() ? b : a;
    auto shape = longer;
    const auto skipped = longer.size() - shorter.size();
    for (std::size_t i = 0; i < shorter.size(); ++i) {
        auto& size = shape[skipped + i];
        if (size == shorter[i] || shorter[i] == 1) continue;
        if (size != 1) refuse(fmt::format("shapes {} and {} do not go together", shape_text(a), shape_text(b)));
        size = shorter[i];
    }
    return shape;
}

void NodeLowering::require_type(ValueId id, DataType expected) const {
    if (type(id) != expected) refuse("this element type is not in the native executor");
}

void NodeLowering::require_table(std::size_t entries) const {
    if (entries > kMaxTableEntries) refuse(fmt::format("a table of {} entries is beyond the limits", entries));
    constexpr std::size_t kBytesPerEntry = 16;
    lowering_.reserve_bytes(entries * kBytesPerEntry);
}

void NodeLowering::check_shape(DataType type, const Shape& shape) const {
    if (!is_bounded(type, shape)) refuse(fmt::format("shape {} is beyond the limits", shape_text(shape)));
}

ValueId NodeLowering::add_value(DataType type, const Shape& shape) {
    check_shape(type, shape);
    return lowering_.add_value(type, shape);
}

ValueId NodeLowering::add_view(ValueId of, const Shape& shape, std::size_t offset_elements) {
    check_shape(type(of), shape);
    return lowering_.add_view(of, shape, offset_elements);
}

ValueId NodeLowering::add_constant(DataType type, const Shape& shape, std::span<const std::byte> data) {
    check_shape(type, shape);
    return lowering_.add_constant(type, shape, data.data());
}

void NodeLowering::set_output(std::size_t index, ValueId id) {
    if (has_output(index)) lowering_.define(node_.outputs[index], id);
}

void NodeLowering::lower_body(const GraphBody& body) {
    if (depth_ >= kMaxDepth) refuse(fmt::format("graphs lie more than {} deep in one another", kMaxDepth));
    lowering_.lower_body(body, depth_ + 1);
}

}  // namespace sidetone::nn::native
