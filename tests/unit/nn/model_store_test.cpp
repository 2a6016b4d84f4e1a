// SPDX-License-Identifier: Apache-2.0
#include "nn/model_store.hpp"

#include <gmock/gmock.h>

#include "test_models.hpp"

namespace sidetone::nn {
namespace {

using testing::HasSubstr;

constexpr std::string_view kAbc = "abc";
constexpr std::string_view kSha256OfAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-2, B.1

std::string manifest_text(const std::string& name) {
    return "name = \"" + name + R"("
description = "d"
licence = "l"
source = "s"
task = "denoise"
sample_rate_hz = 16000
[front_end]
length = 64
hop = 32
analysis_window = "hann"
synthesis_window = "rectangular"
[[graph]]
file = "w.onnx"
bytes = 3
sha256 = ")" +
           std::string{kSha256OfAbc} + R"("
domain = "waveform"
input = "x"
output = "y"
inputs = [{ name = "x", shape = [64] }]
outputs = [{ name = "y", shape = [64] }]
)";
}

// Two folders on the search path, and a user's data folder.
class ModelStore : public testing::Test {
protected:
    Manifest make_model(const std::filesystem::path& folder, const std::string& name = "toy") {
        test::write(folder / name / "model.toml", manifest_text(name));
        return read_manifest(folder / name);
    }

    test::TemporaryFolder folder_;
    std::filesystem::path first_ = folder_.path() / "first", second_ = folder_.path() / "second",
                          user_ = folder_.path() / "user/sidetone/models";
    test::ScopedVariable models_{"SIDETONE_MODELS", first_.string() + ":" + second_.string()};
    test::ScopedVariable data_{"XDG_DATA_HOME", (folder_.path() / "user").string()};
};

TEST_F(ModelStore, SearchesTheListedFoldersThenTheUsersThenTheSource) {
    for (const auto& folder : {first_, second_, user_}) std::filesystem::create_directories(folder);
    const auto folders = model_folders();
    ASSERT_GE(folders.size(), 4U);
    EXPECT_THAT((std::vector(folders.begin(), folders.begin() + 3)), testing::ElementsAre(first_, second_, user_));
    EXPECT_THAT(folders, testing::Contains(test::kSource / "models"));
}

TEST_F(ModelStore, FindsTheFirstModelOfAName) {
    make_model(second_);
    EXPECT_EQ(find_model("toy").folder, second_ / "toy");
    make_model(first_);
    EXPECT_EQ(find_model("toy").folder, first_ / "toy");
    EXPECT_EQ(find_model((second_ / "toy").string()).folder, second_ / "toy");
}

TEST_F(ModelStore, SaysWhatThereIsWhenAModelIsMissing) {
    make_model(first_);
    EXPECT_THAT(test::error_of([] { (void)find_model("toi"); }),
                testing::AllOf(HasSubstr("model \"toi\" not found"), HasSubstr("toy"), HasSubstr("gtcrn")));
}

TEST_F(ModelStore, ListsEveryModelOnce) {
    make_model(first_);
    make_model(second_);
    std::vector<std::string> names;
    for (const auto& model : list_models()) names.push_back(model.name);
    EXPECT_THAT(names, testing::IsSupersetOf({"dtln", "gtcrn", "toy", "ul-unas"}));
    EXPECT_EQ(std::ranges::count(names, "toy"), 1);
}

TEST_F(ModelStore, RefusesAModelThatIsNotNamedAsItsFolder) {
    test::write(first_ / "other" / "model.toml", manifest_text("toy"));
    EXPECT_THAT(test::error_of([] { (void)find_model("other"); }), HasSubstr("found \"toy\", expected \"other\""));
}

TEST_F(ModelStore, FindsWeightsBesideTheManifestOrInAnotherFolder) {
    const auto model = make_model(first_);
    EXPECT_THAT(test::error_of([&] { (void)weights_file(model, model.graphs[0]); }),
                HasSubstr("w.onnx is missing; fetch it with: "));
    test::write(user_ / "toy" / "w.onnx", kAbc);
    EXPECT_EQ(weights_file(model, model.graphs[0]), user_ / "toy" / "w.onnx");
    test::write(first_ / "toy" / "w.onnx", kAbc);
    EXPECT_EQ(weights_file(model, model.graphs[0]), first_ / "toy" / "w.onnx");
}

TEST_F(ModelStore, PrefersWeightsOfTheRightSize) {
    const auto model = make_model(first_);
    test::write(first_ / "toy" / "w.onnx", "cut");
    test::write(first_ / "toy" / "w.onnx", "ab");
    test::write(second_ / "toy" / "w.onnx", kAbc);
    EXPECT_EQ(weights_file(model, model.graphs[0]), second_ / "toy" / "w.onnx");
    EXPECT_NO_THROW(verify_weights(model, model.graphs[0]));
}

TEST_F(ModelStore, NamesTheFileWhoseHashOrSizeIsWrong) {
    const auto model = make_model(first_);
    const auto file = first_ / "toy" / "w.onnx";
    test::write(file, "abd");
    EXPECT_THAT(test::error_of([&] { verify_weights(model, model.graphs[0]); }),
                testing::AllOf(testing::StartsWith(file.string() + ": found SHA-256 "),
                               HasSubstr("expected " + std::string{kSha256OfAbc} + " as ")));
    test::write(file, "abcd");
    EXPECT_THAT(test::error_of([&] { verify_weights(model, model.graphs[0]); }),
                HasSubstr(": found 4 bytes, expected 3 as "));
    test::write(file, kAbc);
    EXPECT_NO_THROW(verify_weights(model, model.graphs[0]));
}

TEST_F(ModelStore, Sha256OfAFileIsThePublishedOne) {
    test::write(folder_.path() / "abc", kAbc);
    EXPECT_EQ(sha256_of(folder_.path() / "abc"), kSha256OfAbc);
    test::write(folder_.path() / "million", std::string(1'000'000, 'a'));  // FIPS 180-2, B.3
    EXPECT_EQ(sha256_of(folder_.path() / "million"),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    EXPECT_THAT(test::error_of([&] { (void)sha256_of(folder_.path()); }), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace sidetone::nn
