// SPDX-License-Identifier: Apache-2.0
#include "nn/native/tflite_import.hpp"

#include <gmock/gmock.h>

#include <random>

#include "compared_session.hpp"
#include "damaged_files.hpp"
#include "nn/native/native_session.hpp"
#include "tflite_operator_rows.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::nn {
namespace {

using testing::HasSubstr;
using tflite::Builtin;

class TfliteOperator : public testing::TestWithParam<test::TfliteOperatorRow> {};

TEST_P(TfliteOperator, GivesWhatTensorFlowLiteGives) {
    const test::TemporaryFolder folder;
    const auto path = folder.path() / "tiny.tflite";
    test::TinyTfliteFile file;
    GetParam().make(file);
    test::write(path, file.contents());
    test::ComparedSession native{file.graph, open_native_session(file.graph, path)};
    test::ComparedSession reference{file.graph, open_tflite_session(file.graph, path)};
    test::Difference difference;
    for (std::uint32_t seed = 1; seed <= 3; ++seed) {
        for (const auto& tensor : file.graph.inputs) {
            auto values = dsp::test::white_noise(tensor.elements(), 17 * seed + (tensor.name == "z" ? 1U : 0U), 1.0F);
            for (auto& value : values) value = GetParam().is_positive ? std::abs(value) + 0.01F : 3 * value;
            std::ranges::copy(values, native.input(tensor.name).begin());
            std::ranges::copy(values, reference.input(tensor.name).begin());
        }
        ASSERT_TRUE(native.run());
        ASSERT_TRUE(reference.run());
        for (std::size_t i = 0; i < file.graph.outputs.size(); ++i)
            difference.add(native.output(i), reference.output(i));
    }
    EXPECT_LE(difference.of_range(), 2e-6F);
}

INSTANTIATE_TEST_SUITE_P(Rows, TfliteOperator, testing::ValuesIn(test::tflite_operator_rows()),
                         [](const testing::TestParamInfo<test::TfliteOperatorRow>& info) { return info.param.name; });

// ── what it refuses ─────────────────────────────────────────────────────────────────────────────

class TfliteFile : public testing::Test {
protected:
    static std::string error_of(const std::string& contents) {
        return test::error_of([&] { (void)native::import_tflite(std::as_bytes(std::span{contents})); });
    }
    std::string error() { return error_of(file_.contents()); }

    test::TinyTfliteFile file_;
};

TEST_F(TfliteFile, WithAnOperatorThatThereIsNotIsRefusedWithItsNumberAndTensor) {
    file_.tflite.operation(Builtin{32}, {file_.input({1, 4})}, {file_.output({1, 4})});
    EXPECT_EQ(error(), "operator 32 of TensorFlow Lite (for tensor \"y0\"): it is not in the native executor");
}

TEST_F(TfliteFile, OfBytesIsRefused) {
    const auto bytes = file_.tflite.tensor("quantised", {1, 4}, 9);
    file_.tflite.operation(Builtin::tanh, {bytes}, {file_.output({1, 4})});
    EXPECT_EQ(error(), "tensor \"quantised\": element type 9 is not in the native executor");
}

TEST_F(TfliteFile, ThatKeepsAStateToItselfIsRefused) {
    const auto state = file_.tflite.add(test::FlatTable{}
                                            .vector(tflite::tensor::kShape, test::TfliteShape{1, 4})
                                            .number(tflite::tensor::kIsVariable, std::uint8_t{1}),
                                        "memory");
    file_.tflite.operation(Builtin::add, {file_.input({1, 4}), state}, {file_.output({1, 4})});
    EXPECT_THAT(error(), HasSubstr("tensor \"memory\": a state that the file keeps to itself"));
}

TEST_F(TfliteFile, WithWeightsOfAnotherSizeNamesBoth) {
    const auto weights = file_.tflite.constant("weights", {2, 3}, {1, 2, 3, 4});
    file_.tflite.operation(Builtin::add, {file_.input({2, 3}), weights}, {file_.output({2, 3})});
    EXPECT_EQ(error(), "tensor \"weights\": found 16 bytes of values, expected 24 for its shape [2,3]");
}

TEST_F(TfliteFile, WithAnAxisThatIsComputedIsRefused) {
    const auto axis = file_.tflite.tensor("axis", {1}, tflite::tensor::kInt32);
    file_.tflite.operation(Builtin::mean, {file_.input({2, 3}), axis}, {file_.output({2, 1})});
    EXPECT_THAT(error(), HasSubstr("operator 40 of TensorFlow Lite (for tensor \"y0\"): input 1 that is not constant"));
}

// TensorFlow Lite lets a hyperbolic tangent pass, and leaves it out.
TEST_F(TfliteFile, WithAnotherActivationIsRefused) {
    const auto x = file_.input({4}), z = file_.input({4});
    file_.tflite.operation(Builtin::add, {x, z}, {file_.output({4})}, test::fused_activation(11, 4));
    EXPECT_THAT(error(), HasSubstr("activation 4 is not in the native executor"));
}

TEST_F(TfliteFile, OfManyOperandsInFewBytesIsRefused) {
    const auto x = file_.input({1}), y = file_.output({4000});
    for (int i = 0; i < 100; ++i) {
        file_.tflite.operation(Builtin::concatenation, std::vector<std::int32_t>(4000, x), {y},
                               {10, test::FlatTable{}.number(0, std::int32_t{0})});
    }
    EXPECT_EQ(error(), "its operators have more than 100000 operands");
}

TEST_F(TfliteFile, OfSeveralGraphsIsRefused) {
    file_.tflite.operation(Builtin::tanh, {file_.input({4})}, {file_.output({4})});
    (void)file_.contents();
    EXPECT_EQ(error_of(file_.tflite.file(2)), "2 sub-graphs are not in the native executor");
}

TEST_F(TfliteFile, WithHugeShapesIsRefused) {
    constexpr std::int32_t kHuge = 1 << 30;
    file_.tflite.operation(Builtin::tanh, {file_.input({kHuge, kHuge})}, {file_.output({4})});
    EXPECT_THAT(error(), HasSubstr("tensor \"x\": its shape [1073741824,1073741824] is beyond the limits"));
}

TEST_F(TfliteFile, CutOffAnywhereDoesNoHarm) {
    const auto weights = file_.weights({5, 16});
    file_.tflite.operation(Builtin::fully_connected, {file_.input({3, 16}), weights, -1}, {file_.output({3, 5})},
                           test::fused_activation(8, 1));
    const auto whole = file_.contents();
    int refused = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // Exactly as large as its contents, so that a sanitizer sees any read beyond.
        const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        try {
            (void)native::import_tflite(std::as_bytes(std::span{cut}));
        } catch (const InputError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, static_cast<int>(whole.size()) / 2);
}

TEST(TfliteModel, WithRandomDamageDoesNoHarm) {
    const test::TemporaryFolder folder;
    const auto model = find_model("dtln");
    const auto& graph = model.graphs[0];
    // What is no weights lies at the file's ends.
    constexpr std::size_t kEnds = 12'000;
    std::mt19937 random{23};
    const auto damage = [&](std::string& file, int trial) {
        for (int i = 0; i < 6; ++i) {
            const auto at = random() % kEnds;
            test::flip_a_bit(file[trial % 2 == 0 ? at : file.size() - 1 - at], random);
        }
        if (trial % 8 == 0) file.resize(random() % file.size());
    };
    const auto good = test::contents_of(weights_file(model, graph));
    EXPECT_GT(test::refused_of_damaged(graph, folder.path() / "damaged.tflite", good, 80, damage), 10);
}

}  // namespace
}  // namespace sidetone::nn
