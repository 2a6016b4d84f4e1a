// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "damaged_files.hpp"
#include "nn/native/native_session.hpp"
#include "unit/nn/test_models.hpp"
#include "unit/nn/tiny_onnx.hpp"

namespace sidetone::nn {
namespace {

using testing::HasSubstr;

class NativeFile : public testing::Test {
protected:
    std::string error_with(const std::string& contents) {
        test::write(file_, contents);
        return test::error_of([&] { (void)open_native_session(graph_, file_); });
    }
    test::TinyOnnx tiny() {
        test::TinyOnnx made;
        made.input("x", {1, 4}).output("y", {1, 4});
        return made;
    }

    test::TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / "tiny.onnx";
    GraphSpec graph_{.input = "x",
                     .output = "y",
                     .inputs = {{"x", ElementType::f32, {1, 4}}},
                     .outputs = {{"y", ElementType::f32, {1, 4}}}};
};

TEST_F(NativeFile, WithAnUnknownOperatorIsRefusedWithItsNameAndOpset) {
    EXPECT_THAT(
        error_with(tiny().node("Foo", {"x"}, "y").file()),
        testing::StrEq(file_.string() + ": operator \"Foo\" (node \"\", opset 13) is not in the native executor"));
}

TEST_F(NativeFile, WithACycleIsRefused) {
    EXPECT_THAT(error_with(tiny().node("Relu", {"b"}, "a").node("Relu", {"a"}, "b").node("Relu", {"b"}, "y").file()),
                HasSubstr("input \"b\" is computed by no node before it"));
}

TEST_F(NativeFile, ThatComputesAnotherShapeNamesBoth) {
    graph_.outputs[0].shape = {1, 5};
    auto made = test::TinyOnnx{}.input("x", {1, 4}).output("y", {1, -1}).node("Relu", {"x"}, "y");
    EXPECT_THAT(error_with(made.file()), testing::AllOf(HasSubstr("[1,5]"), HasSubstr("[1,4]")));
}

TEST_F(NativeFile, ThatIsNotOneIsRefused) {
    for (const std::string text : {"", "{\"json\": true}", "<html>404</html>", "\n\n\n\n"}) {
        EXPECT_THAT(error_with(text), testing::StartsWith(file_.string() + ": ")) << text;
    }
    EXPECT_THAT(error_with(std::string(100'000, '\xFF')), testing::StartsWith(file_.string() + ": "));
}

// A bomb in few bytes: each node doubles what is constant.
TEST_F(NativeFile, ThatFoldsWithoutEndIsRefused) {
    auto made = tiny();
    made.constant("c0", {1, 1024});
    for (int i = 0; i < 40; ++i) {
        const auto from = "c" + std::to_string(i);
        made.concatenation({from, from}, "c" + std::to_string(i + 1));
    }
    EXPECT_THAT(error_with(made.node("Add", {"x", "c40"}, "y").file()), HasSubstr("is beyond the limits"));
}

TEST_F(NativeFile, WithoutAConstantsValuesNamesIt) {
    EXPECT_THAT(error_with(tiny().empty_constant("weights", {2, 3}).node("Relu", {"x"}, "y").file()),
                testing::AllOf(HasSubstr("tensor \"weights\""), HasSubstr("found 0 bytes"), HasSubstr("[2,3]")));
}

TEST_F(NativeFile, WithValuesInAnotherFileNamesThem) {
    EXPECT_THAT(error_with(tiny().external_constant("weights", {2, 3}).node("Relu", {"x"}, "y").file()),
                HasSubstr("tensor \"weights\": values outside the file"));
}

TEST_F(NativeFile, WithDimensionsThatOverflowIsRefused) {
    constexpr std::int64_t kHuge = std::int64_t{1} << 62;
    EXPECT_THAT(error_with(tiny().empty_constant("weights", {kHuge, kHuge}).node("Relu", {"x"}, "y").file()),
                HasSubstr("tensor \"weights\""));
}

TEST_F(NativeFile, OfSubgraphsInOneAnotherIsRefusedBeyondADepth) {
    EXPECT_THAT(error_with(tiny().nested(30).file()), HasSubstr("graphs lie more than 8 deep in one another"));
}

TEST_F(NativeFile, CutOffAnywhereIsRefused) {
    const auto whole = tiny().constant("c", {1, 4}).node("Add", {"x", "c"}, "y").file();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_THAT(error_with(whole.substr(0, size)), testing::StartsWith(file_.string() + ": ")) << size;
    }
}

TEST_F(NativeFile, WithAShapeThatTheManifestContradictsNamesBoth) {
    graph_.inputs[0].shape = {1, 7};
    EXPECT_THAT(error_with(tiny().node("Relu", {"x"}, "y").file()),
                testing::AllOf(HasSubstr("[1,7]"), HasSubstr("[1,4]")));
}

TEST_F(NativeFile, BoundToMemoryThatOverlapsIsRefused) {
    test::write(file_, tiny().node("Relu", {"x"}, "y").file());
    const auto session = open_native_session(graph_, file_);
    std::vector<float> memory(8);
    const std::vector<TensorMemory> in{memory.data()};
    EXPECT_THAT(test::error_of([&] { (void)session->bind(in, std::vector<TensorMemory>{memory.data() + 3}); }),
                testing::StrEq("the memory of output \"y\" and of \"x\" overlaps"));
    EXPECT_THAT(test::error_of([&] { (void)session->bind(in, std::vector<TensorMemory>{nullptr}); }),
                HasSubstr("\"y\" is bound to no memory"));
    EXPECT_EQ(session->bind(in, std::vector<TensorMemory>{memory.data() + 4}), 0);
}

TEST_F(NativeFile, WithRandomDamageDoesNoHarm) {
    const auto model = find_model("silero-vad");
    const auto& graph = model.graphs[0];
    std::mt19937 random{17};
    const auto damage = [&](std::string& file, int trial) {
        for (int i = 0; i < 20; ++i) test::flip_a_bit(file[random() % (trial % 2 == 0 ? 4000 : file.size())], random);
        if (trial % 5 == 0) file.resize(random() % file.size());
    };
    EXPECT_GT(test::refused_of_damaged(graph, file_, test::contents_of(weights_file(model, graph)), 60, damage), 10);
}

}  // namespace
}  // namespace sidetone::nn
