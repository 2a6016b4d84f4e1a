// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <limits>

#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {
namespace {

void lower_reshape(NodeLowering& node) {
    const auto x = node.input(0);
    auto shape = node.constant_integers(1);
    const auto& from = node.shape(x);
    const bool keeps_zero = node.attribute_or<std::int64_t>("allowzero", 0) != 0;
    std::size_t known = 1;
    std::ptrdiff_t open = -1;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == 0 && !keeps_zero) {
            if (i >= from.size()) node.refuse("its shape keeps a dimension that is not there");
            shape[i] = from[i];
        }
        if (shape[i] == -1 && open < 0) {
            open = static_cast<std::ptrdiff_t>(i);
        } else if (shape[i] < 0 || shape[i] > static_cast<std::int64_t>(kMaxTensorBytes) ||
                   (shape[i] > 0 && known > kMaxTensorBytes / static_cast<std::size_t>(shape[i]))) {
            node.refuse("its shape is beyond the limits");
        } else {
            known *= static_cast<std::size_t>(shape[i]);
        }
    }
    const auto elements = node.value(x).elements();
    if (open >= 0 && known > 0) shape[static_cast<std::size_t>(open)] = static_cast<std::int64_t>(elements / known);
    if (open >= 0 && known == 0) node.refuse("its shape is open");
    if (elements_of(shape) != elements) {
        node.refuse("shape " + shape_text(from) + " does not become " + shape_text(shape));
    }
    node.set_output(0, node.add_view(x, shape));
}

void lower_flatten(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& from = node.shape(x);
    auto axis = node.attribute_or<std::int64_t>("axis", 1);
    const auto rank = static_cast<std::int64_t>(from.size());
    if (axis < -rank || axis > rank) node.refuse("its axis is out of range");
    if (axis < 0) axis += rank;
    const Shape outer{from.begin(), from.begin() + axis};
    const Shape inner{from.begin() + axis, from.end()};
    node.set_output(0, node.add_view(x, {static_cast<std::int64_t>(elements_of(outer)),
                                         static_cast<std::int64_t>(elements_of(inner))}));
}

void lower_squeeze(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& from = node.shape(x);
    const auto axes = node.integers("axes", 1);
    std::vector<bool> drops(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) drops[i] = !axes && from[i] == 1;
    for (const auto axis : axes.value_or(std::vector<std::int64_t>{})) {
        const auto at = node.axis_of(axis, from.size());
        if (from[at] != 1) node.refuse("a dimension that it drops is not 1");
        drops[at] = true;
    }
    Shape shape;
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (!drops[i]) shape.push_back(from[i]);
    }
    node.set_output(0, node.add_view(x, shape));
}

void lower_unsqueeze(NodeLowering& node) {
    const auto x = node.input(0);
    const auto& from = node.shape(x);
    const auto axes = node.integers("axes", 1);
    if (!axes || axes->size() + from.size() > kMaxRank) node.refuse("its axes are missing or too many");
    std::vector<bool> is_new(from.size() + axes->size());
    for (const auto axis : *axes) is_new[node.axis_of(axis, is_new.size())] = true;
    if (static_cast<std::size_t>(std::ranges::count(is_new, true)) != axes->size())
        node.refuse("an axis is there twice");
    Shape shape;
    auto next = from.begin();
    for (const bool added : is_new) shape.push_back(added ? 1 : *next++);
    node.set_output(0, node.add_view(x, shape));
}

void lower_identity(NodeLowering& node) {
    node.set_output(0, node.input(0));
}

void lower_shape(NodeLowering& node) {
    const auto& shape = node.shape(node.input(0));
    const auto rank = static_cast<std::int64_t>(shape.size());
    const auto place = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank); };
    const auto start = place(node.attribute_or<std::int64_t>("start", 0));
    const auto end = std::max(start, place(node.attribute_or<std::int64_t>("end", rank)));
    const Shape part{shape.begin() + start, shape.begin() + end};
    node.set_output(0, node.add_constant<std::int64_t>({end - start}, part));
}

void lower_size(NodeLowering& node) {
    const auto size = static_cast<std::int64_t>(node.value(node.input(0)).elements());
    node.set_output(0, node.add_constant<std::int64_t>({}, std::span{&size, 1}));
}

void lower_constant(NodeLowering& node) {
    if (const auto tensor = node.attribute<std::shared_ptr<const ConstantTensor>>("value")) {
        return node.set_output(0, node.add_constant((*tensor)->type, (*tensor)->shape, (*tensor)->data));
    }
    if (const auto value = node.attribute<float>("value_float")) {
        return node.set_output(0, node.add_constant<float>({}, std::span{&*value, 1}));
    }
    if (const auto value = node.attribute<std::int64_t>("value_int")) {
        return node.set_output(0, node.add_constant<std::int64_t>({}, std::span{&*value, 1}));
    }
    if (const auto values = node.attribute<std::vector<std::int64_t>>("value_ints")) {
        return node.set_output(0,
                               node.add_constant<std::int64_t>({static_cast<std::int64_t>(values->size())}, *values));
    }
    if (const auto values = node.attribute<std::vector<float>>("value_floats")) {
        return node.set_output(0, node.add_constant<float>({static_cast<std::int64_t>(values->size())}, *values));
    }
    node.refuse("this kind of constant is not in the native executor");
}

void lower_constant_of_shape(NodeLowering& node) {
    const auto shape = node.constant_integers(0);
    const auto tensor = node.attribute<std::shared_ptr<const ConstantTensor>>("value");
    const auto type = tensor ? (*tensor)->type : DataType::f32;
    if (tensor && elements_of((*tensor)->shape) != 1) node.refuse("its value is not one");
    if (!is_bounded(type, shape)) node.refuse("its shape is beyond the limits");
    const auto size = bytes_of(type);
    std::vector<std::byte> values(elements_of(shape) * size);
    for (std::size_t at = 0; tensor && at < values.size(); at += size) {
        std::memcpy(values.data() + at, (*tensor)->data.data(), size);
    }
    node.set_output(0, node.add_constant(type, shape, values));
}

// The branch that a constant condition takes becomes part of the graph; the other is not looked at.
void lower_if(NodeLowering& node) {
    const auto condition = node.constant<bool>(0);
    if (condition.size() != 1) node.refuse("its condition is not one value");
    const auto body = node.attribute<std::shared_ptr<const GraphBody>>(condition[0] ? "then_branch" : "else_branch");
    if (!body) node.refuse("a branch is missing");
    node.lower_body(**body);
    for (std::size_t i = 0; i < std::min(node.output_count(), (*body)->outputs.size()); ++i) {
        const auto found = node.find((*body)->outputs[i]);
        if (!found) node.refuse("a branch does not compute its output");
        node.set_output(i, *found);
    }
}

constexpr Operator kOperators[] = {
    {"Reshape", lower_reshape},
    {"Flatten", lower_flatten},
    {"Squeeze", lower_squeeze},
    {"Unsqueeze", lower_unsqueeze},
    {"Identity", lower_identity},
    {"Dropout", lower_identity},
    {"Shape", lower_shape},
    {"Size", lower_size},
    {"Constant", lower_constant},
    {"ConstantOfShape", lower_constant_of_shape},
    {"If", lower_if},
};

}  // namespace

std::span<const Operator> shape_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
