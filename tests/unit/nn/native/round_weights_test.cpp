// SPDX-License-Identifier: Apache-2.0
#include "nn/native/round_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "nn/native/compile.hpp"
#include "nn/native/native_session.hpp"
#include "operator_case.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::nn::native {
namespace {

// Up to this size they are no multiples of any row's step, as numbers up to 2 would be.
constexpr float kWeights = 0.1F;

/// How the steps of a graph that have weights hold them, and what its first output is.
struct Outcome {
    std::vector<std::string> types;
    std::vector<std::size_t> bytes;
    std::vector<float> values;
};

Outcome outcome_of(test::OperatorCase made, const Shape& output, bool keeps_float32) {
    const test::TemporaryFolder folder;
    const auto file = folder.path() / "case.onnx";
    test::write(file, made.file());
    GraphSpec graph{.manifest = "case", .outputs = {{"y0", ElementType::f32, output}}, .keeps_float32 = keeps_float32};
    std::vector<dsp::AlignedVector<std::byte>> in;
    std::vector<TensorMemory> places;
    for (const auto& input : made.inputs()) {
        graph.inputs.push_back(input.info);
        places.push_back(in.emplace_back(input.data.begin(), input.data.end()).data());
    }
    Outcome outcome;
    for (const auto& step : compile(graph, file).steps) {
        if (step.weight_type.empty()) continue;
        outcome.types.emplace_back(step.weight_type);
        outcome.bytes.push_back(step.weight_bytes);
    }
    dsp::AlignedVector<std::byte> out(graph.outputs[0].bytes());
    const TensorMemory out_place = out.data();
    const auto session = open_native_session(graph, file);
    EXPECT_TRUE(session->run(session->bind(places, {&out_place, 1})));
    outcome.values.resize(out.size() / sizeof(float));
    std::memcpy(outcome.values.data(), out.data(), out.size());
    return outcome;
}

float largest_of(std::span<const float> values) {
    float largest = 0;
    for (const auto value : values) largest = std::max(largest, std::abs(value));
    return largest;
}

/// A step with so many weights and rows in matrices of whole panels: rounded, three bytes of each weight, and of each
/// row a bias and a scale. What it makes is near to what floats make, and in none of `parts` equal parts the same.
void expect_rounded(const test::OperatorCase& made, const Shape& output, std::size_t weights, std::size_t rows,
                    std::size_t parts) {
    const auto exact = outcome_of(made, output, true);
    const auto rounded = outcome_of(made, output, false);
    EXPECT_EQ(exact.types, std::vector<std::string>{"float32"});
    EXPECT_EQ(exact.bytes, std::vector<std::size_t>{sizeof(float) * (weights + rows)});
    EXPECT_EQ(rounded.types, std::vector<std::string>{"int24"});
    EXPECT_EQ(rounded.bytes, std::vector<std::size_t>{3 * weights + 2 * sizeof(float) * rows});
    const auto range = largest_of(exact.values);
    EXPECT_GT(range, 0.1F);
    const auto part = exact.values.size() / parts;
    for (std::size_t first = 0; first < parts * part; first += part) {
        float difference = 0;
        for (std::size_t i = first; i < first + part; ++i) {
            difference = std::max(difference, std::abs(rounded.values[i] - exact.values[i]));
        }
        EXPECT_GT(difference, 0) << "from " << first;
        EXPECT_LT(difference, 3e-6F * range) << "from " << first;
    }
}

test::OperatorCase product(std::int64_t vectors, std::int64_t inner, std::int64_t columns) {
    test::OperatorCase made{"MatMul", 1};
    made.dynamic_floats({vectors, inner}).constant_floats({inner, columns}, -kWeights, kWeights);
    return made;
}

std::vector<std::string> product_types(std::int64_t vectors, std::int64_t inner, std::int64_t columns,
                                       bool keeps_float32 = false) {
    return outcome_of(product(vectors, inner, columns), {vectors, columns}, keeps_float32).types;
}

// One column more than the most that stays, with the biases that a matrix has.
constexpr std::int64_t kColumns = 512;
constexpr auto kInner = static_cast<std::int64_t>(kMostFloatWeightBytes / sizeof(float) / kColumns);

TEST(RoundedWeights, AreThoseOfLargeGraphs) {
    EXPECT_EQ(product_types(1, kInner, kColumns), std::vector<std::string>{"int24"});
    EXPECT_EQ(product_types(1, kInner - 1, kColumns), std::vector<std::string>{"float32"});
    expect_rounded(product(1, kInner, kColumns), {1, kColumns}, kInner * kColumns, kColumns, 1);
}

TEST(RoundedWeights, AreNotThoseOfModelsThatAskForAllBits) {
    EXPECT_EQ(product_types(1, 2 * kInner, kColumns, true), std::vector<std::string>{"float32"});
}

TEST(RoundedWeights, AreNotThoseOfProductsOfManyVectors) {
    const auto most = static_cast<std::int64_t>(kMostVectorsOfRounded);
    EXPECT_EQ(product_types(most, kInner, kColumns), std::vector<std::string>{"int24"});
    EXPECT_EQ(product_types(most + 1, kInner, kColumns), std::vector<std::string>{"float32"});
    EXPECT_EQ(product_types(200, kInner, kColumns), std::vector<std::string>{"float32"});
}

// In two groups, with two taps.
test::OperatorCase convolution(std::int64_t places) {
    test::OperatorCase made{"Conv", 3};
    made.dynamic_floats({1, 320, places + 1})
        .constant_floats({1024, 160, 2}, -kWeights, kWeights)
        .attribute("group", std::int64_t{2});
    return made;
}

TEST(RoundedWeights, AreThoseOfEveryGroupOfAConvolution) {
    expect_rounded(convolution(3), {1, 1024, 3}, 1024 * 320, 1024, 2);
}

TEST(RoundedWeights, AreNotThoseOfConvolutionsWithManyPlaces) {
    const auto most = static_cast<std::int64_t>(kMostVectorsOfRounded);
    EXPECT_EQ(outcome_of(convolution(most), {1, 1024, most}, false).types, std::vector<std::string>{"int24"});
    EXPECT_EQ(outcome_of(convolution(most + 1), {1, 1024, most + 1}, false).types, std::vector<std::string>{"float32"});
}

struct Layer {
    const char* name;
    const char* operation;
    std::int64_t gates, hidden;
    std::optional<float> clip;  ///< asks for the general recurrence
};

void PrintTo(const Layer& layer, std::ostream* stream) {
    *stream << layer.name;
}

class RoundedRecurrence : public testing::TestWithParam<Layer> {};

// Of both directions, input, state and what resets; more steps than a product may have vectors.
TEST_P(RoundedRecurrence, IsNearThatOfFloats) {
    constexpr std::int64_t kSteps = kMostVectorsOfRounded + 2;
    constexpr std::int64_t kInputs = 128;
    const auto [name, operation, gates, hidden, clip] = GetParam();
    const auto rows = gates * hidden;
    test::OperatorCase made{operation, 5};
    made.dynamic_floats({kSteps, 1, kInputs}, -1, 1)
        .constant_floats({2, rows, kInputs}, -kWeights, kWeights)
        .constant_floats({2, rows, hidden}, -kWeights, kWeights);
    made.attribute("direction", std::string{"bidirectional"}).attribute("hidden_size", hidden);
    if (clip) made.attribute("clip", *clip);
    const auto weights = 2 * rows * (kInputs + hidden);
    // One step's outputs of one direction are a part.
    expect_rounded(made, {kSteps, 2, 1, hidden}, static_cast<std::size_t>(weights), static_cast<std::size_t>(4 * rows),
                   2 * kSteps);
}

INSTANTIATE_TEST_SUITE_P(Layers, RoundedRecurrence,
                         testing::Values(Layer{"LSTM", "LSTM", 4, 128, {}}, Layer{"GRU", "GRU", 3, 192, {}},
                                         Layer{"RNN", "RNN", 1, 384, {}}, Layer{"ClippedRNN", "RNN", 1, 384, 0.5F},
                                         Layer{"ClippedLSTM", "LSTM", 4, 128, 0.5F},
                                         Layer{"ClippedGRU", "GRU", 3, 192, 0.5F}),
                         [](const auto& info) { return std::string{info.param.name}; });

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
