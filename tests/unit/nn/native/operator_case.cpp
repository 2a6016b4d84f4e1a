// SPDX-License-Identifier: Apache-2.0
#include "operator_case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "nn/tensor_check.hpp"

namespace sidetone::nn::test {
namespace {

template <class T>
constexpr ElementType kElementType = ElementType::f32;
template <>
constexpr ElementType kElementType<std::int64_t> = ElementType::i64;
template <>
constexpr ElementType kElementType<std::int32_t> = ElementType::i32;
template <>
constexpr ElementType kElementType<std::int8_t> = ElementType::i8;
template <>
constexpr ElementType kElementType<std::uint8_t> = ElementType::u8;

std::int32_t onnx_type(ElementType type) {
    switch (type) {
        case ElementType::f32:
            return onnx::TensorProto::FLOAT;
        case ElementType::i64:
            return onnx::TensorProto::INT64;
        case ElementType::i32:
            return onnx::TensorProto::INT32;
        case ElementType::i8:
            return onnx::TensorProto::INT8;
        case ElementType::u8:
            return onnx::TensorProto::UINT8;
    }
    return 0;
}

void cast_node(onnx::NodeProto& node, const std::string& from, const std::string& to, std::int32_t type) {
    node.set_op_type("Cast");
    node.add_input(from);
    node.add_output(to);
    auto& attribute = *node.add_attribute();
    attribute.set_name("to");
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(type);
}

std::size_t count_of(const Shape& shape) {
    std::size_t count = 1;
    for (const auto size : shape) count *= static_cast<std::size_t>(size);
    return count;
}

}  // namespace

OperatorCase::OperatorCase(std::string operation, std::uint32_t seed) : random(seed), seed_(seed) {
    node_.set_op_type(std::move(operation));
    node_.set_name("it");
}

Shape OperatorCase::shape(std::int64_t low, std::int64_t high) {
    Shape made(static_cast<std::size_t>(random.integer(low, high)));
    for (auto& size : made) size = random.integer(1, 7);
    if (!made.empty() && random.chance(0.4)) {
        made[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(made.size()) - 1))] =
            random.integer(8, 37);
    }
    return made;
}

Shape OperatorCase::broadcastable(const Shape& shape) {
    const auto skipped = random.chance(0.4) ? random.integer(0, static_cast<std::int64_t>(shape.size())) : 0;
    Shape made{shape.begin() + skipped, shape.end()};
    for (auto& size : made) {
        if (random.chance(0.35)) size = 1;
    }
    return made;
}

std::string OperatorCase::add_tensor(ElementType type, const Shape& shape, std::vector<std::byte> data,
                                     bool is_constant) {
    const auto name = fmt::format("x{}", inputs_.size() + static_cast<std::size_t>(graph_.initializer_size()));
    if (is_constant) {
        auto& tensor = *graph_.add_initializer();
        tensor.set_name(name);
        tensor.set_data_type(onnx_type(type));
        for (const auto size : shape) tensor.add_dims(size);
        tensor.set_raw_data(data.data(), data.size());
        return name;
    }
    auto& value = *graph_.add_input();
    value.set_name(name);
    auto& tensor = *value.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(onnx_type(type));
    tensor.mutable_shape();
    for (const auto size : shape) tensor.mutable_shape()->add_dim()->set_dim_value(size);
    inputs_.push_back({{name, type, shape}, std::move(data)});
    return name;
}

template <class T>
OperatorCase& OperatorCase::add(const Shape& shape, const std::vector<T>& values, bool is_constant) {
    std::vector<std::byte> data(values.size() * sizeof(T));
    if (!data.empty()) std::memcpy(data.data(), values.data(), data.size());
    node_.add_input(add_tensor(kElementType<T>, shape, std::move(data), is_constant));
    return *this;
}

std::vector<float> OperatorCase::random_floats(const Shape& shape, float low, float high) {
    std::vector<float> values(count_of(shape));
    for (auto& value : values) value = random.number(low, high);
    return values;
}

OperatorCase& OperatorCase::floats(const Shape& shape, float low, float high) {
    return add(shape, random_floats(shape, low, high), random.chance(0.25));
}

OperatorCase& OperatorCase::constant_floats(const Shape& shape, float low, float high) {
    return add(shape, random_floats(shape, low, high), true);
}

OperatorCase& OperatorCase::dynamic_floats(const Shape& shape, float low, float high) {
    return add(shape, random_floats(shape, low, high), false);
}

OperatorCase& OperatorCase::constant_floats(const Shape& shape, const std::vector<float>& values) {
    return add(shape, values, true);
}

OperatorCase& OperatorCase::constant_halves(const Shape& shape, float low, float high) {
    constant_floats(shape, low, high);
    auto& tensor = *graph_.mutable_initializer(graph_.initializer_size() - 1);
    tensor.set_data_type(onnx::TensorProto::FLOAT16);
    std::vector<std::uint16_t> halves(count_of(shape));
    for (std::size_t i = 0; i < halves.size(); ++i) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, tensor.raw_data().data() + i * sizeof bits, sizeof bits);
        // Cut off, not rounded: any half will do. What is too small for a normal one becomes 0.
        const auto exponent = (bits >> 23U) & 0xFFU;
        const auto size = exponent < 113 ? 0U : (exponent - 112) << 10U | ((bits >> 13U) & 0x3FFU);
        halves[i] = static_cast<std::uint16_t>((bits >> 16U & 0x8000U) | size);
    }
    if (random.chance(0.5)) {
        tensor.set_raw_data(halves.data(), halves.size() * sizeof(std::uint16_t));
    } else {
        tensor.clear_raw_data();
        for (const auto half : halves) tensor.add_int32_data(half);
    }
    return *this;
}

template <class T>
OperatorCase& OperatorCase::integers(const Shape& shape, std::int64_t low, std::int64_t high) {
    std::vector<T> values(count_of(shape));
    for (auto& value : values) value = static_cast<T>(random.integer(low, high));
    return add(shape, values, random.chance(0.25));
}

template <class T>
OperatorCase& OperatorCase::constant_integers(const Shape& shape, const std::vector<std::int64_t>& values) {
    std::vector<T> narrow(values.size());
    std::ranges::transform(values, narrow.begin(), [](std::int64_t value) { return static_cast<T>(value); });
    return add(shape, narrow, true);
}

template OperatorCase& OperatorCase::integers<std::int64_t>(const Shape&, std::int64_t, std::int64_t);
template OperatorCase& OperatorCase::integers<std::int32_t>(const Shape&, std::int64_t, std::int64_t);
template OperatorCase& OperatorCase::integers<std::int8_t>(const Shape&, std::int64_t, std::int64_t);
template OperatorCase& OperatorCase::integers<std::uint8_t>(const Shape&, std::int64_t, std::int64_t);
template OperatorCase& OperatorCase::constant_integers<std::int64_t>(const Shape&, const std::vector<std::int64_t>&);
template OperatorCase& OperatorCase::constant_integers<std::int32_t>(const Shape&, const std::vector<std::int64_t>&);
template OperatorCase& OperatorCase::constant_integers<std::int8_t>(const Shape&, const std::vector<std::int64_t>&);
template OperatorCase& OperatorCase::constant_integers<std::uint8_t>(const Shape&, const std::vector<std::int64_t>&);

// Sessions carry no booleans across their border: they are made of integers inside.
OperatorCase& OperatorCase::booleans(const Shape& shape) {
    integers<std::int32_t>(shape, 0, 1);
    auto& input = *node_.mutable_input(node_.input_size() - 1);
    cast_node(before_.emplace_back(), input, input + "_boolean", onnx::TensorProto::BOOL);
    input += "_boolean";
    return *this;
}

OperatorCase& OperatorCase::padded(const std::vector<std::int64_t>& pads) {
    list(pads);
    const auto sizes = node_.input(node_.input_size() - 1);
    node_.mutable_input()->RemoveLast();
    auto& input = *node_.mutable_input(node_.input_size() - 1);
    auto& pad = before_.emplace_back();
    pad.set_op_type("Pad");
    pad.add_input(input);
    pad.add_input(sizes);
    pad.add_output(input += "_padded");
    return *this;
}

OperatorCase& OperatorCase::missing() {
    node_.add_input("");
    return *this;
}

std::string OperatorCase::take_input() {
    auto name = node_.input(node_.input_size() - 1);
    node_.mutable_input()->RemoveLast();
    return name;
}

std::vector<std::string> OperatorCase::node(const std::string& operation, const std::vector<std::string>& inputs,
                                            std::size_t outputs) {
    auto& made = before_.emplace_back();
    made.set_op_type(operation);
    std::vector<std::string> names;
    for (const auto& input : inputs) made.add_input(input);
    for (std::size_t i = 0; i < outputs; ++i) {
        names.push_back(fmt::format("{}_{}_{}", operation, before_.size(), i));
        made.add_output(names.back());
    }
    return names;
}

OperatorCase& OperatorCase::node_attribute(const std::string& name, std::int64_t value) {
    auto& made = *before_.back().add_attribute();
    made.set_name(name);
    made.set_type(onnx::AttributeProto::INT);
    made.set_i(value);
    return *this;
}

OperatorCase& OperatorCase::node_attribute(const std::string& name, const std::vector<std::int64_t>& values) {
    auto& made = *before_.back().add_attribute();
    made.set_name(name);
    made.set_type(onnx::AttributeProto::INTS);
    for (const auto value : values) made.add_ints(value);
    return *this;
}

OperatorCase& OperatorCase::computed(const std::string& name) {
    node_.add_input(name);
    return *this;
}

onnx::AttributeProto& OperatorCase::add_attribute(const std::string& name) {
    auto& made = *node_.add_attribute();
    made.set_name(name);
    return made;
}

OperatorCase& OperatorCase::attribute(const std::string& name, std::int64_t value) {
    auto& made = add_attribute(name);
    made.set_type(onnx::AttributeProto::INT);
    made.set_i(value);
    return *this;
}

OperatorCase& OperatorCase::attribute(const std::string& name, float value) {
    auto& made = add_attribute(name);
    made.set_type(onnx::AttributeProto::FLOAT);
    made.set_f(value);
    return *this;
}

OperatorCase& OperatorCase::attribute(const std::string& name, const std::string& value) {
    auto& made = add_attribute(name);
    made.set_type(onnx::AttributeProto::STRING);
    made.set_s(value);
    return *this;
}

OperatorCase& OperatorCase::attribute(const std::string& name, const std::vector<std::int64_t>& values) {
    auto& made = add_attribute(name);
    made.set_type(onnx::AttributeProto::INTS);
    for (const auto value : values) made.add_ints(value);
    return *this;
}

OperatorCase& OperatorCase::attribute(const std::string& name, const std::vector<float>& values) {
    auto& made = add_attribute(name);
    made.set_type(onnx::AttributeProto::FLOATS);
    for (const auto value : values) made.add_floats(value);
    return *this;
}

OperatorCase& OperatorCase::attribute(const std::string& name, const std::vector<std::string>& values) {
    auto& made = add_attribute(name);
    made.set_type(onnx::AttributeProto::STRINGS);
    for (const auto& value : values) made.add_strings(value);
    return *this;
}

OperatorCase& OperatorCase::attribute(const std::string& name, const onnx::TensorProto& tensor) {
    auto& made = add_attribute(name);
    made.set_type(onnx::AttributeProto::TENSOR);
    *made.mutable_t() = tensor;
    return *this;
}

OperatorCase& OperatorCase::output(ElementType type) {
    const auto name = fmt::format("y{}", outputs_.size());
    node_.add_output(name);
    outputs_.push_back({name, type, {}});
    return *this;
}

OperatorCase& OperatorCase::boolean_output() {
    output(ElementType::i32);
    const auto name = outputs_.back().name;
    node_.set_output(node_.output_size() - 1, name + "_boolean");
    cast_node(after_.emplace_back(), name + "_boolean", name, onnx::TensorProto::INT32);
    return *this;
}

std::string OperatorCase::file() {
    if (outputs_.empty()) output(ElementType::f32);
    onnx::ModelProto model;
    model.set_ir_version(8);
    model.add_opset_import()->set_version(opset);
    auto& graph = *model.mutable_graph();
    graph = graph_;
    graph.set_name("case");
    for (const auto& node : before_) *graph.add_node() = node;
    *graph.add_node() = node_;
    for (const auto& node : after_) *graph.add_node() = node;
    for (const auto& info : outputs_) {
        auto& value = *graph.add_output();
        value.set_name(info.name);
        value.mutable_type()->mutable_tensor_type()->set_elem_type(onnx_type(info.type));
    }
    return model.SerializeAsString();
}

std::string OperatorCase::text() const {
    auto text = fmt::format("{} seed {} opset {}:", node_.op_type(), seed_, opset);
    for (const auto& tensor : graph_.initializer()) {
        text += fmt::format(" constant {} {}", tensor.name(),
                            shape_text(Shape{tensor.dims().begin(), tensor.dims().end()}));
    }
    for (const auto& input : inputs_) text += fmt::format(" {} {}", input.info.name, shape_text(input.info.shape));
    for (const auto& attribute : node_.attribute()) text += " " + attribute.ShortDebugString();
    return text;
}

}  // namespace sidetone::nn::test
