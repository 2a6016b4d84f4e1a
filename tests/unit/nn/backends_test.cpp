// SPDX-License-Identifier: Apache-2.0
#include "nn/backends.hpp"

#include <gmock/gmock.h>

#include "nn/hop_model.hpp"
#include "nn/native/native_session.hpp"
#include "test_models.hpp"
#include "tiny_onnx.hpp"
#include "tiny_tflite.hpp"

namespace sidetone::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A denoiser of one graph: one operator on the samples of a window.
class TinyModel : public testing::Test {
protected:
    static constexpr std::uint32_t kLength = 64;

    Manifest of_operator(const std::string& operation) {
        test::TinyOnnx onnx;
        return of_file(onnx.node(operation, {"x"}, "y").input("x", {1, kLength}).output("y", {1, kLength}).file());
    }

    Manifest of_file(const std::string& contents, const std::string& name = "tiny.onnx") {
        const auto file = folder_.path() / name;
        test::write(file, contents);
        Manifest model;
        model.folder = folder_.path();
        model.name = model.weights_folder = "tiny";
        model.task = "denoise";
        model.sample_rate_hz = 16'000;
        model.front_end = {.length = kLength, .hop = kLength};
        model.graphs.push_back({.manifest = folder_.path() / "model.toml",
                                .file = name,
                                .bytes = contents.size(),
                                .sha256 = sha256_of(file),
                                .input = "x",
                                .output = "y",
                                .inputs = {{"x", ElementType::f32, {1, kLength}}},
                                .outputs = {{"y", ElementType::f32, {1, kLength}}}});
        return model;
    }

    test::TemporaryFolder folder_;
};

TEST_F(TinyModel, IsTakenByTheNativeExecutorFirst) {
    const auto model = of_operator("Relu");
    EXPECT_THAT(backends_for(model), ElementsAre("native", "onnxruntime"));
    const auto opened = open_model(model, "auto");
    EXPECT_EQ(opened.backend, "native");
    EXPECT_EQ(opened.reason, "native runs .onnx and .tflite files, which this model consists of");
    EXPECT_THAT(opened.refusal, IsEmpty());
    ASSERT_EQ(opened.sessions.size(), 1U);
    EXPECT_TRUE(opened.sessions[0]->is_realtime_safe());
}

TEST_F(TinyModel, OfMoreArithmeticThanAskedForIsRefusedWithBothNumbers) {
    test::TinyOnnx onnx;
    auto model = of_file(onnx.node("MatMul", {"x", "x"}, "y").input("x", {8, 8}).output("y", {8, 8}).file());
    auto& graph = model.graphs[0];
    graph.inputs[0].shape = graph.outputs[0].shape = {8, 8};
    const auto file = folder_.path() / "tiny.onnx";
    EXPECT_NE(open_native_session(graph, file, 512), nullptr);
    EXPECT_THAT(test::error_of([&] { (void)open_native_session(graph, file, 511); }),
                HasSubstr("tiny.onnx: a run takes 0 million multiply-adds, and it is made for up to 0"));
}

TEST(OpenModel, LeaveLargeModelsToOnnxRuntimeUnlessAskedTo) {
    const test::PublishedWeights published;
    auto model = find_model("dnsmos");
    SIDETONE_REQUIRE_WEIGHTS(model)
    model.backend = "auto";
    const auto opened = open_model(model, "auto");
    EXPECT_EQ(opened.backend, "onnxruntime");
    EXPECT_THAT(opened.refusal, HasSubstr("million multiply-adds, and it is made for up to 200"));
    EXPECT_EQ(open_model(model, "native").backend, "native");
}

// An executor that does the same work in each run has no use for random numbers.
TEST_F(TinyModel, ThatNativeRefusesGoesToOnnxRuntimeAndTheReasonIsSaid) {
    const auto model = of_operator("RandomUniformLike");
    const auto opened = open_model(model, "auto");
    EXPECT_EQ(opened.backend, "onnxruntime");
    EXPECT_STREQ(opened.sessions.at(0)->backend(), "onnxruntime");
    EXPECT_EQ(opened.refusal,
              "native refused it: " + (folder_.path() / "tiny.onnx").string() +
                  ": operator \"RandomUniformLike\" (node \"\", opset 13) is not in the native executor");

    const HopModel hop_model{model, "auto"};
    EXPECT_STREQ(hop_model.backend(), "onnxruntime");
    EXPECT_EQ(hop_model.backend_refusal(), opened.refusal);
}

TEST_F(TinyModel, ThatNativeRefusesIsAnErrorForThoseWhoAskedForNative) {
    EXPECT_THAT(test::error_of([&] { (void)open_model(of_operator("RandomUniformLike"), "native"); }),
                HasSubstr("operator \"RandomUniformLike\" (node \"\", opset 13) is not in the native executor"));
}

TEST_F(TinyModel, WhoseManifestAsksForOnnxRuntimeIsNotTriedInNative) {
    auto model = of_operator("Relu");
    model.backend = "onnxruntime";
    const auto opened = open_model(model, "auto");
    EXPECT_EQ(opened.backend, "onnxruntime");
    EXPECT_THAT(opened.reason, HasSubstr("model.toml asks for onnxruntime"));
    EXPECT_THAT(opened.refusal, IsEmpty());
    EXPECT_EQ(open_model(model, "native").backend, "native");
}

TEST_F(TinyModel, OfAnotherHashIsAnErrorAndNoRefusal) {
    auto model = of_operator("Relu");
    model.graphs[0].sha256.replace(0, 4, "0000");
    EXPECT_THAT(test::error_of([&] { (void)open_model(model, "auto"); }), HasSubstr("tiny.onnx: found SHA-256"));
}

TEST_F(TinyModel, ThatIsNoModelAtAllIsAnError) {
    EXPECT_THAT(test::error_of([&] { (void)open_model(of_file("no model"), "auto"); }), HasSubstr("tiny.onnx"));
}

TEST(OpenModel, TakesTfliteFilesIntoTheNativeExecutorFirst) {
    const auto model = find_model("dtln");
    EXPECT_THAT(backends_for(model), ElementsAre("native", "tflite"));
    const auto opened = open_model(model, "auto");
    EXPECT_EQ(opened.backend, "native");
    EXPECT_EQ(opened.sessions.size(), 2U);
    EXPECT_THAT(opened.refusal, IsEmpty());
    EXPECT_STREQ(open_model(model, "tflite").sessions.at(0)->backend(), "tflite");
}

TEST_F(TinyModel, OfTfliteThatNativeRefusesGoesToTfliteAndTheReasonIsSaid) {
    constexpr tflite::Builtin kFloor{8};
    test::TinyTflite tiny;
    const auto x = tiny.tensor("x", {1, kLength}), y = tiny.tensor("y", {1, kLength});
    const auto contents = tiny.operation(kFloor, {x}, {y}).boundary({x}, {y}).file();
    const auto opened = open_model(of_file(contents, "tiny.tflite"), "auto");
    EXPECT_EQ(opened.backend, "tflite");
    EXPECT_STREQ(opened.sessions.at(0)->backend(), "tflite");
    EXPECT_EQ(opened.refusal,
              "native refused it: " + (folder_.path() / "tiny.tflite").string() +
                  ": operator 8 of TensorFlow Lite (for tensor \"y\"): it is not in the native executor");
}

TEST(OpenModel, TakesAModelWhoseFilesDifferInKindIntoTheNativeExecutorOnly) {
    auto model = find_model("dtln");
    model.graphs[0].file = "model_1.onnx";
    EXPECT_THAT(backends_for(model), ElementsAre("native"));
}

}  // namespace
}  // namespace sidetone::nn
