// SPDX-License-Identifier: Apache-2.0
#include "nn/native/round_weights.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "nn/native/compile.hpp"
#include "operator_case.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::nn::native {
namespace {

// x·W for a vector of `inner` values, as it is planned.
std::vector<std::string> weight_types(std::int64_t inner, std::int64_t columns, bool keeps_float32) {
    test::OperatorCase made{"MatMul", 1};
    made.dynamic_floats({1, inner}).constant_floats({inner, columns});
    const test::TemporaryFolder folder;
    const auto file = folder.path() / "case.onnx";
    test::write(file, made.file());
    GraphSpec graph{
        .manifest = "case", .outputs = {{"y0", ElementType::f32, {1, columns}}}, .keeps_float32 = keeps_float32};
    for (const auto& input : made.inputs()) graph.inputs.push_back(input.info);
    std::vector<std::string> types;
    for (const auto& step : compile(graph, file).steps) types.emplace_back(step.weight_type);
    return types;
}

// One column more than the most that stays, with the biases that a matrix has.
constexpr std::int64_t kColumns = 512;
constexpr auto kInner = static_cast<std::int64_t>(kMostFloatWeightBytes / sizeof(float) / kColumns);

TEST(RoundedWeights, AreThoseOfLargeGraphs) {
    EXPECT_EQ(weight_types(kInner, kColumns, false), std::vector<std::string>{"int24"});
    EXPECT_EQ(weight_types(kInner - 1, kColumns, false), std::vector<std::string>{"float32"});
}

TEST(RoundedWeights, AreNotThoseOfModelsThatAskForAllBits) {
    EXPECT_EQ(weight_types(2 * kInner, kColumns, true), std::vector<std::string>{"float32"});
}

TEST(RoundedWeights, LeaveSmallMatricesAsTheyAre) {
    Program program;
    const auto add = [&](std::size_t bytes) {
        auto& step = program.steps.emplace_back();
        step.weight_bytes = bytes;
        step.round_weights = [](Step& self) { self.weight_type = "int24"; };
    };
    for (const auto bytes : {kMostFloatWeightBytes, std::size_t{1000}, std::size_t{1} << 16U}) add(bytes);
    program.steps.emplace_back().weight_bytes = kMostFloatWeightBytes;  // of a kernel that cannot round
    round_weights(program);
    std::vector<std::string> types;
    for (const auto& step : program.steps) types.emplace_back(step.weight_type);
    EXPECT_EQ(types, (std::vector<std::string>{"int24", "", "int24", ""}));
}

}  // namespace
}  // namespace sidetone::nn::native
