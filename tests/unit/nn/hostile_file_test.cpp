// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <random>

#include "nn/hop_model.hpp"
#include "nn/session.hpp"
#include "test_models.hpp"

namespace sidetone::nn {
namespace {

using testing::HasSubstr;

// Writes damaged copies of a graph's weights and opens them.
class HostileFile : public testing::TestWithParam<const char*> {
protected:
    std::string error_with(std::string_view contents) {
        test::write(file_, contents);
        return test::error_of([&] { (void)open(); });
    }
    std::unique_ptr<Session> open() {
        auto* const open = graph_.file.ends_with(".onnx") ? &open_onnxruntime_session : &open_tflite_session;
        return open(graph_, file_);
    }

    Manifest model_ = find_model(GetParam());
    GraphSpec graph_ = model_.graphs[0];
    test::TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / graph_.file;
    std::string good_ = test::contents_of(weights_file(model_, graph_));
};

TEST_P(HostileFile, ThatIsCutShortIsOneClearError) {
    for (const auto share : {0.0, 1e-6, 1e-5, 0.001, 0.1, 0.5, 0.9, 0.999}) {
        const auto bytes = static_cast<std::size_t>(share * static_cast<double>(good_.size()));
        EXPECT_THAT(error_with(good_.substr(0, bytes)), testing::StartsWith(file_.string() + ": "))
            << bytes << " bytes";
    }
}

TEST_P(HostileFile, ThatIsSomethingElseIsOneClearError) {
    for (const std::string text : {"{\"json\": true}", "<html>404</html>", "TFL3TFL3TFL3TFL3", "\n\n\n\n"}) {
        EXPECT_THAT(error_with(text), testing::StartsWith(file_.string() + ": ")) << text;
    }
    EXPECT_THAT(error_with(std::string(100'000, '\xFF')), testing::StartsWith(file_.string() + ": "));
    std::filesystem::remove(file_);
    EXPECT_THAT(test::error_of([&] { (void)open(); }), testing::StartsWith(file_.string() + ": "));
    std::filesystem::create_directory(file_);
    EXPECT_THAT(test::error_of([&] { (void)open(); }), testing::StartsWith(file_.string() + ": "));
}

TEST_P(HostileFile, WithRandomDamageIsStoppedByItsHash) {
    auto model = model_;
    model.folder = folder_.path();
    std::mt19937 random{17};
    for (int trial = 0; trial < 250; ++trial) {
        auto damaged = good_;
        const auto at = random() % damaged.size();
        damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1U << random() % 8U));
        test::write(file_, damaged);
        ASSERT_THAT(test::error_of([&] { verify_weights(model, graph_); }),
                    testing::StartsWith(file_.string() + ": found SHA-256 "));
    }
}

INSTANTIATE_TEST_SUITE_P(Backends, HostileFile, testing::Values("dtln", "silero-vad"), test::name_of_case);

// Damage that TensorFlow Lite would crash on (see open_tflite_session) must not get as far as that.
TEST(HopModel, ChecksTheHashBeforeTheBackendSeesTheFile) {
    const test::TemporaryFolder folder;
    auto model = find_model("dtln");
    for (const auto& graph : model.graphs) {
        std::filesystem::copy_file(weights_file(model, graph), folder.path() / graph.file);
    }
    const auto second = folder.path() / model.graphs[1].file;
    model.folder = folder.path();
    EXPECT_NO_THROW(HopModel(model, "auto"));
    auto damaged = test::contents_of(second);
    damaged[damaged.size() - 1000] = static_cast<char>(~damaged[damaged.size() - 1000]);
    test::write(second, damaged);
    EXPECT_THAT(test::error_of([&] { HopModel(model, "auto"); }),
                testing::StartsWith(second.string() + ": found SHA-256 "));
}

}  // namespace
}  // namespace sidetone::nn
