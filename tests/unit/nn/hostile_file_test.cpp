// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

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

TEST_P(HostileFile, WithRandomDamageOpensOrIsOneClearErrorButNeverCrashes) {
    std::mt19937 random{17};
    const int trials = graph_.file.ends_with(".onnx") ? 50 : 500;
    int refused = 0;
    for (int trial = 0; trial < trials; ++trial) {
        auto damaged = good_;
        // Half of them in the first and last 16 KiB, where the structure lies rather than the numbers.
        for (int byte = 0; byte < 16; ++byte) {
            auto at = random() % damaged.size();
            if (trial % 2 == 0) at = (byte % 2 == 0 ? at % 16'384 : damaged.size() - 1 - at % 16'384);
            damaged[at] = static_cast<char>(random());
        }
        test::write(file_, damaged);
        try {
            (void)open();
        } catch (const InputError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, HostileFile, testing::Values("dtln", "silero-vad"), test::name_of_case);

}  // namespace
}  // namespace sidetone::nn
