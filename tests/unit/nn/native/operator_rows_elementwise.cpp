// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "operator_case.hpp"

namespace sidetone::nn::test {
namespace {

void unary(OperatorCase& c) {
    c.least_range = 0.1F;
    c.floats(c.shape(0), -6, 6);
}

void unary_above_zero(OperatorCase& c) {
    c.floats(c.shape(0), 0.05F, 9);
}

void unary_integers(OperatorCase& c) {
    c.integers<std::int64_t>(c.shape(0), -9, 9).output(ElementType::i64);
}

void unary_narrow_integers(OperatorCase& c) {
    c.integers<std::int32_t>(c.shape(0), -9, 9).output(ElementType::i32);
}

template <const char* const& kName>
void with_alpha(OperatorCase& c) {
    unary(c);
    if (c.random.chance(0.7)) c.attribute(kName, c.random.number(0.1F, 2.0F));
}

constexpr const char* kAlpha = "alpha";
constexpr const char* kLambda = "lambd";

void hard_sigmoid(OperatorCase& c) {
    with_alpha<kAlpha>(c);
    if (c.random.chance(0.5)) c.attribute("beta", c.random.number(-1, 1));
}

void selu(OperatorCase& c) {
    with_alpha<kAlpha>(c);
    if (c.random.chance(0.5)) c.attribute("gamma", c.random.number(0.5F, 2));
}

void shrink(OperatorCase& c) {
    with_alpha<kLambda>(c);
    if (c.random.chance(0.5)) c.attribute("bias", c.random.number(-1, 1));
}

void gelu(OperatorCase& c) {
    unary(c);
    if (c.random.chance(0.6)) c.attribute("approximate", std::string{c.random.chance(0.5) ? "tanh" : "none"});
}

// Either operand may be the smaller one.
template <class Add>
void pair(OperatorCase& c, const Add& add) {
    const auto whole = c.shape(0);
    const bool first_is_whole = c.random.chance(0.5);
    add(first_is_whole ? whole : c.broadcastable(whole));
    add(first_is_whole ? c.broadcastable(whole) : whole);
}

void binary(OperatorCase& c) {
    pair(c, [&](const Shape& shape) { c.floats(shape); });
}

void binary_away_from_zero(OperatorCase& c) {
    pair(c, [&](const Shape& shape) { c.floats(shape, 0.3F, 4); });
}

void binary_integers(OperatorCase& c) {
    pair(c, [&](const Shape& shape) { c.integers<std::int64_t>(shape, 1, 20); });
    c.output(ElementType::i64);
}

void binary_narrow_integers(OperatorCase& c) {
    pair(c, [&](const Shape& shape) { c.integers<std::int32_t>(shape, -9, 9); });
    c.output(ElementType::i32);
}

void division_of_negatives(OperatorCase& c) {
    const auto whole = c.shape(0);
    c.integers<std::int32_t>(whole, -30, 30).integers<std::int32_t>(c.broadcastable(whole), 1, 7);
    c.output(ElementType::i32);
}

void power_of_negatives(OperatorCase& c) {
    const auto whole = c.shape(0);
    c.floats(whole, -3, 3).integers<std::int64_t>(c.broadcastable(whole), -2, 3);
}

void usual_powers(OperatorCase& c) {
    c.floats(c.shape(), 0.1F, 4)
        .constant_floats({}, std::vector<float>{c.random.one_of<float>({2, 0.5F, -1, 3, 1, 0})});
}

void integer_powers(OperatorCase& c) {
    const auto whole = c.shape(0);
    c.integers<std::int64_t>(whole, -5, 5).integers<std::int64_t>(c.broadcastable(whole), 0, 4);
    c.output(ElementType::i64);
}

void remainder(OperatorCase& c) {
    const auto whole = c.shape(0);
    c.integers<std::int64_t>(whole, -30, 30).integers<std::int64_t>(c.broadcastable(whole), c.random.one_of({1, 3}), 9);
    c.attribute("fmod", c.random.integer(0, 1)).output(ElementType::i64);
}

void float_remainder(OperatorCase& c) {
    const auto whole = c.shape(0);
    c.floats(whole, -9, 9).floats(c.broadcastable(whole), 1, 3).attribute("fmod", std::int64_t{1});
}

void prelu(OperatorCase& c) {
    const auto whole = c.shape(1);
    c.floats(whole).floats(c.broadcastable(whole));
}

void many(OperatorCase& c) {
    const auto whole = c.shape(0);
    c.floats(whole);
    for (auto count = c.random.integer(0, 3); count > 0; --count) c.floats(c.broadcastable(whole));
}

void clip(OperatorCase& c) {
    c.floats(c.shape(0), -6, 6);
    if (c.random.chance(0.7)) {
        c.floats({}, -3, 0);
    } else if (c.random.chance(0.5)) {
        c.missing();
    } else {
        return;
    }
    if (c.random.chance(0.7)) c.floats({}, 0, 3);
}

void clip_integers(OperatorCase& c) {
    c.integers<std::int64_t>(c.shape(0), -9, 9).integers<std::int64_t>({}, -5, 0).integers<std::int64_t>({}, 1, 5);
    c.output(ElementType::i64);
}

void compare(OperatorCase& c) {
    if (c.random.chance(0.4)) {
        pair(c, [&](const Shape& shape) { c.floats(shape, 0, 1); });
    } else if (c.random.chance(0.5)) {
        pair(c, [&](const Shape& shape) { c.integers<std::int64_t>(shape, 0, 3); });
    } else {
        pair(c, [&](const Shape& shape) { c.integers<std::int32_t>(shape, 0, 3); });
    }
    c.boolean_output();
}

void logic(OperatorCase& c) {
    pair(c, [&](const Shape& shape) { c.booleans(shape); });
    c.boolean_output();
}

void logical_not(OperatorCase& c) {
    c.booleans(c.shape(0)).boolean_output();
}

void where(OperatorCase& c) {
    const auto whole = c.shape(0);
    const auto full = c.random.integer(0, 2);
    const auto shape_of = [&](int at) { return full == at ? whole : c.broadcastable(whole); };
    c.booleans(shape_of(0));
    if (c.random.chance(0.7)) {
        const auto x = shape_of(1);
        c.floats(x).floats(shape_of(2));
    } else {
        const auto x = shape_of(1);
        c.integers<std::int64_t>(x, -9, 9).integers<std::int64_t>(shape_of(2), -9, 9).output(ElementType::i64);
    }
}

// To a type of onnx.proto's numbers.
void cast(OperatorCase& c) {
    const auto shape = c.shape(0);
    switch (c.random.integer(0, 4)) {
        case 0:
            c.floats(shape, 0, 100);
            break;
        case 1:
            c.integers<std::int64_t>(shape, 0, 100);
            break;
        case 2:
            c.integers<std::int32_t>(shape, 0, 100);
            break;
        case 3:
            c.integers<std::int8_t>(shape, 0, 100);
            break;
        default:
            c.integers<std::uint8_t>(shape, 0, 100);
    }
    switch (c.random.integer(0, 5)) {
        case 0:
            c.attribute("to", std::int64_t{onnx::TensorProto::FLOAT}).output(ElementType::f32);
            break;
        case 1:
            c.attribute("to", std::int64_t{onnx::TensorProto::INT64}).output(ElementType::i64);
            break;
        case 2:
            c.attribute("to", std::int64_t{onnx::TensorProto::INT32}).output(ElementType::i32);
            break;
        case 3:
            c.attribute("to", std::int64_t{onnx::TensorProto::INT8}).output(ElementType::i8);
            break;
        case 4:
            c.attribute("to", std::int64_t{onnx::TensorProto::UINT8}).output(ElementType::u8);
            break;
        default:
            c.attribute("to", std::int64_t{onnx::TensorProto::BOOL}).boolean_output();
    }
}

// Some are 0/0, some 1/0.
void odd_numbers(OperatorCase& c) {
    constexpr auto kInfinity = std::numeric_limits<float>::infinity();
    c.constant_floats({5}, {1.0F, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(), 0.0F});
    c.boolean_output();
}

}  // namespace

std::vector<OperatorRow> elementwise_rows() {
    const std::vector<std::int64_t> all{11, 13, 17, 21};
    std::vector<OperatorRow> rows;
    for (const auto* name : {"Abs", "Neg", "Exp", "Sigmoid", "Tanh", "Relu", "Softplus", "Softsign", "Floor", "Ceil",
                             "Round", "Sin", "Cos", "Erf", "Sign"}) {
        rows.push_back({name, all, unary, 6});
    }
    for (const auto* name : {"Reciprocal", "Sqrt", "Log"}) rows.push_back({name, all, unary_above_zero, 6});
    for (const auto* name : {"Abs", "Neg", "Sign"}) {
        rows.push_back({name, all, unary_integers, 4});
        rows.push_back({name, all, unary_narrow_integers, 4});
    }
    for (const auto* name : {"LeakyRelu", "Elu", "ThresholdedRelu"}) rows.push_back({name, all, with_alpha<kAlpha>, 8});
    rows.push_back({"Celu", {12, 21}, with_alpha<kAlpha>, 8});
    rows.push_back({"HardSwish", {14, 21}, unary, 6});
    rows.push_back({"Mish", {18, 21}, unary, 6});
    rows.push_back({"Gelu", {20, 21}, gelu, 8});
    rows.push_back({"HardSigmoid", all, hard_sigmoid, 8});
    rows.push_back({"Selu", all, selu, 8});
    rows.push_back({"Shrink", all, shrink, 8});
    rows.push_back({"IsNaN", {13, 20}, odd_numbers, 2});
    rows.push_back({"IsInf", {11, 20}, odd_numbers, 2});
    for (const auto* name : {"Add", "Sub", "Mul", "Max", "Min"}) {
        rows.push_back({name, {13, 14, 21}, binary, 16});
        rows.push_back({name, {13, 14, 21}, binary_integers, 8});
        rows.push_back({name, {13, 14, 21}, binary_narrow_integers, 8});
    }
    rows.push_back({"Div", all, binary_away_from_zero, 16});
    rows.push_back({"Div", all, binary_integers, 8});
    rows.push_back({"Div", all, division_of_negatives, 8});
    rows.push_back({"Pow", {12, 13, 15}, binary_away_from_zero, 12});
    rows.push_back({"Pow", {12, 13, 15}, usual_powers, 12});
    rows.push_back({"Pow", {12, 13, 15}, power_of_negatives, 8});
    rows.push_back({"Pow", {12, 13, 15}, integer_powers, 8});
    rows.push_back({"Mod", all, remainder, 10});
    rows.push_back({"Mod", all, float_remainder, 8});
    rows.push_back({"PRelu", {11, 16}, prelu, 16});
    for (const auto* name : {"Sum", "Mean", "Max", "Min"}) rows.push_back({name, all, many, 8});
    rows.push_back({"Clip", all, clip, 12});
    rows.push_back({"Clip", {12, 13}, clip_integers, 6});
    for (const auto* name : {"Equal", "Greater", "Less"}) rows.push_back({name, all, compare, 10});
    for (const auto* name : {"GreaterOrEqual", "LessOrEqual"}) rows.push_back({name, {12, 16}, compare, 10});
    for (const auto* name : {"And", "Or", "Xor"}) rows.push_back({name, all, logic, 8});
    rows.push_back({"Not", all, logical_not, 6});
    rows.push_back({"Where", {11, 16}, where, 14});
    rows.push_back({"Cast", {13, 19, 21}, cast, 30});
    return rows;
}

}  // namespace sidetone::nn::test
