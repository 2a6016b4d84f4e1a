// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/native/compile.hpp"
#include "operator_case.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::nn {
namespace {

native::Program program_of(test::OperatorCase& made, const TensorInfo& output) {
    const test::TemporaryFolder folder;
    const auto file = folder.path() / "case.onnx";
    test::write(file, made.file());
    GraphSpec graph{.manifest = "case", .outputs = {output}};
    for (const auto& input : made.inputs()) graph.inputs.push_back(input.info);
    return native::compile(graph, file);
}

std::vector<std::string> operations_of(test::OperatorCase& made, const TensorInfo& output) {
    std::vector<std::string> operations;
    for (const auto& step : program_of(made, output).steps) operations.push_back(step.operation);
    return operations;
}

std::vector<std::int64_t> some_bytes(test::OperatorCase& made, std::size_t count) {
    std::vector<std::int64_t> values(count);
    for (auto& value : values) value = made.random.integer(-100, 100);
    return values;
}

TEST(QuantizedProduct, OfFloatsQuantizedAsTheyComeIsOneStepWithItsBiasAndRectifier) {
    test::OperatorCase made{"Relu", 1};
    made.dynamic_floats({3, 8});
    const auto quantized = made.node("DynamicQuantizeLinear", {made.take_input()}, 3);
    made.constant_integers<std::int8_t>({8, 5}, some_bytes(made, 40));
    const auto weights = made.take_input();
    const auto sums = made.node("MatMulInteger", {quantized[0], weights, quantized[2]});
    const auto cast = made.node("Cast", {sums[0]});
    made.node_attribute("to", 1);
    made.constant_floats({5});
    const auto scales = made.node("Mul", {quantized[1], made.take_input()});
    const auto product = made.node("Mul", {cast[0], scales[0]})[0];
    made.constant_floats({5});
    made.computed(made.node("Add", {product, made.take_input()})[0]);
    EXPECT_EQ(operations_of(made, {"y0", ElementType::f32, {3, 5}}), std::vector<std::string>{"Mul+Add+Relu"});
}

TEST(QuantizedProduct, ConvolvesAndRectifiesInOneStep) {
    test::OperatorCase made{"Relu", 1};
    made.dynamic_floats({1, 4, 9});
    const auto quantized = made.node("DynamicQuantizeLinear", {made.take_input()}, 3);
    made.constant_integers<std::int8_t>({16, 4, 3}, some_bytes(made, 192));
    const auto sums = made.node("ConvInteger", {quantized[0], made.take_input(), quantized[2]});
    const auto cast = made.node("Cast", {sums[0]});
    made.node_attribute("to", 1);
    made.constant_floats({16, 1});
    const auto scales = made.node("Mul", {quantized[1], made.take_input()});
    const auto product = made.node("Mul", {cast[0], scales[0]})[0];
    made.constant_floats({16, 1});
    made.computed(made.node("Add", {product, made.take_input()})[0]);
    EXPECT_EQ(operations_of(made, {"y0", ElementType::f32, {1, 16, 7}}), std::vector<std::string>{"Mul+Add+Relu"});
}

// Each copies a kernel with its weights: a file may have any number.
TEST(QuantizedProduct, AbsorbsSoManyStepsOnly) {
    test::OperatorCase made{"Add", 1};
    made.dynamic_floats({3, 8}).constant_floats({8, 5});
    const auto weights = made.take_input();
    auto sum = made.node("MatMul", {made.take_input(), weights})[0];
    for (int i = 0; i < 20; ++i) {
        made.constant_floats({5});
        sum = made.node("Add", {sum, made.take_input()})[0];
    }
    made.computed(sum).constant_floats({5});
    EXPECT_EQ(operations_of(made, {"y0", ElementType::f32, {3, 5}}).size(), 1U + 21 - 8);
}

TEST(QuantizedProduct, OfBytesAndConstantBytesReadsThemAsBytes) {
    test::OperatorCase made{"MatMul", 1};
    made.dynamic_floats({3, 8});
    const auto x = made.take_input();
    made.constant_floats({}, 0.01F, 0.02F);
    const auto scale = made.take_input();
    made.constant_integers<std::int8_t>({}, {3});
    const auto zero = made.take_input();
    const auto quantized = made.node("QuantizeLinear", {x, scale, zero});
    made.computed(made.node("DequantizeLinear", {quantized[0], scale, zero})[0]);
    made.constant_integers<std::int8_t>({8, 5}, some_bytes(made, 40));
    made.computed(made.node("DequantizeLinear", {made.take_input(), scale, zero})[0]);
    EXPECT_EQ(operations_of(made, {"y0", ElementType::f32, {3, 5}}),
              (std::vector<std::string>{"QuantizeLinear", "MatMul"}));
}

TEST(QuantizedProduct, LiesInItsProgramsMemory) {
    test::OperatorCase made{"MatMulInteger", 1};
    constexpr std::size_t kSize = 128;
    made.output(ElementType::i32)
        .integers<std::uint8_t>({3, kSize}, 0, 255)
        .constant_integers<std::int8_t>({kSize, kSize}, some_bytes(made, kSize * kSize));
    const auto program = program_of(made, {"y0", ElementType::i32, {3, kSize}});
    ASSERT_EQ(program.steps.size(), 1U);
    // From its kernel to what is free lie its weights, and little else.
    const auto address = [](const void* at) { return reinterpret_cast<std::uintptr_t>(at); };
    const auto bytes = address(program.memory->allocate(0)) - address(program.steps[0].kernel.get());
    EXPECT_GE(bytes, kSize * kSize);
    EXPECT_LT(bytes, kSize * kSize + 4096);
}

TEST(HalfPrecision, OfActivationsIsRefusedByName) {
    test::OperatorCase made{"Cast", 1};
    made.dynamic_floats({3, 8}).attribute("to", std::int64_t{10});
    const auto error = test::error_of([&] { (void)operations_of(made, {"y0", ElementType::f32, {3, 8}}); });
    EXPECT_NE(error.find("operator \"Cast\" (node \"it\", opset 17)"), std::string::npos) << error;
}

}  // namespace
}  // namespace sidetone::nn
