// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "nn/native/graph_of_file.hpp"
#include "nn/native/profile.hpp"
#include "unit/nn/test_models.hpp"
#include "unit/nn/tiny_onnx.hpp"

namespace sidetone::nn::native {
namespace {

/// One product of matrices, [6,6] by [6,6].
class OneProduct : public testing::Test {
protected:
    OneProduct() {
        test::TinyOnnx onnx;
        onnx.node("MatMul", {"x", "x"}, "y").input("x", {6, 6}).output("y", {6, 6});
        test::write(file_, onnx.file());
    }

    test::TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / "tiny.onnx";
    GraphSpec graph_{.input = "x",
                     .output = "y",
                     .inputs = {{"x", ElementType::f32, {6, 6}}},
                     .outputs = {{"y", ElementType::f32, {6, 6}}}};
};

TEST_F(OneProduct, IsPlannedWithItsArithmeticAndItsPlaces) {
    const auto plan = plan_of(graph_, file_);
    ASSERT_EQ(plan.steps.size(), 1U);
    const auto& step = plan.steps[0];
    EXPECT_EQ(step.operation, "MatMul");
    EXPECT_EQ(step.multiply_adds, 6U * 6U * 6U);
    EXPECT_EQ(plan.multiply_adds, 6U * 6U * 6U);
    EXPECT_EQ(step.bytes, 3U * 36U * sizeof(float));
    ASSERT_EQ(step.reads.size(), 2U);
    EXPECT_EQ(step.reads[0].place, Storage::Kind::input);
    EXPECT_EQ(step.reads[0].shape, (Shape{6, 6}));
    ASSERT_EQ(step.writes.size(), 1U);
    EXPECT_EQ(step.writes[0].place, Storage::Kind::output);
    EXPECT_EQ(plan.arena_bytes, 0U);
}

TEST_F(OneProduct, IsProfiledStepByStep) {
    const auto found = profile(graph_, file_, 50);
    EXPECT_EQ(found.runs, 50U);
    ASSERT_EQ(found.step_us.size(), 1U);
    EXPECT_GT(found.step_us[0], 0);
    EXPECT_GT(found.run_us, 0);
    EXPECT_GT(found.peak_multiply_adds_per_second, 1e8);
    // 216 multiply-adds cannot take less than the machine's peak allows.
    EXPECT_GE(found.step_us[0] * 1e-6 * found.peak_multiply_adds_per_second, 216 * 0.5);
}

TEST_F(OneProduct, IsDescribedByItsFile) {
    const auto graph = graph_of_file(file_);
    EXPECT_EQ(graph.input, "x");
    EXPECT_EQ(graph.output, "y");
    ASSERT_EQ(graph.outputs.size(), 1U);
    EXPECT_EQ(graph.outputs[0].shape, (Shape{6, 6}));
    EXPECT_TRUE(graph.states.empty());
    EXPECT_EQ(graph.bytes, std::filesystem::file_size(file_));
}

TEST(GraphOfFile, BindsOpenDimensionsAndFindsStates) {
    const test::TemporaryFolder folder;
    test::TinyOnnx onnx;
    onnx.input("x", {1, 4}).input("h0", {-1, 4}).output("y", {-1, 4}).output("h1", {-1, 4});
    test::write(folder.path() / "tiny.onnx", onnx.node("Add", {"x", "h0"}, "h1").node("Relu", {"h1"}, "y").file());
    const auto graph = graph_of_file(folder.path() / "tiny.onnx");
    EXPECT_EQ(graph.input, "x");
    EXPECT_EQ(graph.output, "y");
    EXPECT_EQ(graph.inputs[1].shape, (Shape{1, 4}));
    ASSERT_EQ(graph.states.size(), 1U);
    EXPECT_EQ(graph.states[0].input, "h0");
    EXPECT_EQ(graph.states[0].output, "h1");
}

class PlannedModel : public testing::TestWithParam<const char*> {};

TEST_P(PlannedModel, SharesItsArenaAndAccountsForEveryStep) {
    const test::PublishedWeights published;
    const auto model = find_model(GetParam());
    SIDETONE_REQUIRE_WEIGHTS(model);
    for (const auto& graph : model.graphs) {
        const auto plan = plan_of(graph, weights_file(model, graph));
        EXPECT_GT(plan.multiply_adds, 10'000U) << graph.file;
        EXPECT_LE(plan.arena_bytes, plan.tensor_bytes + 64 * plan.steps.size()) << graph.file;
        std::uint64_t sum = 0;
        for (const auto& step : plan.steps) {
            sum += step.multiply_adds;
            EXPECT_FALSE(step.operation.empty());
            EXPECT_FALSE(step.writes.empty()) << step.node;
            for (const auto& operand : step.writes) {
                if (operand.place != Storage::Kind::arena) continue;
                EXPECT_LE(operand.offset + operand.bytes, plan.arena_bytes) << step.node;
            }
        }
        EXPECT_EQ(sum, plan.multiply_adds) << graph.file;
    }
}

INSTANTIATE_TEST_SUITE_P(Models, PlannedModel, testing::Values("gtcrn", "dtln-onnx", "ul-unas", "silero-vad"),
                         test::name_of_case);

}  // namespace
}  // namespace sidetone::nn::native
