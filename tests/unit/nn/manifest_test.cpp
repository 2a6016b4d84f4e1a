// SPDX-License-Identifier: Apache-2.0
#include "nn/manifest.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

#include "test_models.hpp"

namespace sidetone::nn {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A correct manifest, one key a line, to be spoilt line by line.
constexpr std::string_view kGood = R"(name = "good"
description = "a model for tests"
licence = "MIT"
source = "https://example.org"
task = "denoise"
sample_rate_hz = 16000
backend = "auto"
[front_end]
length = 512
hop = 128
analysis_window = "hann"
synthesis_window = "rectangular"
[[graph]]
file = "good.onnx"
bytes = 1000
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
url = "https://example.org/good.onnx"
domain = "complex_spectrum"
input = "mix"
output = "enh"
inputs = [
  { name = "mix", shape = [1, 257, 1, 2] },
  { name = "cache", shape = [3, 4] },
  { name = "rate", type = "i64", shape = [] },
]
outputs = [
  { name = "enh", shape = [1, 257, 1, 2] },
  { name = "cache_out", shape = [3, 4] },
]
states = [{ input = "cache", output = "cache_out" }]
constants = [{ input = "rate", value = 16000 }]
)";

class ManifestFile : public testing::Test {
protected:
    // `from` must be there: a test that spoils nothing proves nothing.
    std::string error_with(std::string_view good, std::string_view from, std::string_view to) {
        std::string text{good};
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
        test::write(folder_.path() / "model.toml", text);
        return test::error_of([&] { (void)read_manifest(folder_.path()); });
    }

    // What comes after "FOLDER/model.toml".
    std::string complaint_with(std::string_view from, std::string_view to) { return complaint_of(kGood, from, to); }

    std::string complaint_of(std::string_view good, std::string_view from, std::string_view to) {
        const auto file = (folder_.path() / "model.toml").string();
        const auto message = error_with(good, from, to);
        EXPECT_THAT(message, StartsWith(file));
        return message.substr(std::min(file.size(), message.size()));
    }

    test::TemporaryFolder folder_;
};

TEST_F(ManifestFile, SaysWhetherWeightsMayBeRounded) {
    const auto keeps_float32 = [&](std::string_view line) {
        std::string text{kGood};
        test::write(folder_.path() / "model.toml", text.replace(text.find("[front_end]"), 0, line));
        return read_manifest(folder_.path()).graphs[0].keeps_float32;
    };
    EXPECT_FALSE(keeps_float32(""));
    EXPECT_FALSE(keeps_float32("precision = \"auto\"\n"));
    EXPECT_TRUE(keeps_float32("precision = \"float32\"\n"));
    EXPECT_THAT(complaint_with("[front_end]", "precision = \"half\"\n[front_end]"),
                StartsWith(":8: key \"precision\": found \"half\", expected one of"));
}

TEST_F(ManifestFile, IsReadWhole) {
    test::write(folder_.path() / "model.toml", kGood);
    const auto model = read_manifest(folder_.path());
    EXPECT_EQ(model.name, "good");
    EXPECT_EQ(model.weights_folder, "good");
    EXPECT_EQ(model.task, "denoise");
    EXPECT_EQ(model.sample_rate_hz, 16'000U);
    EXPECT_EQ(model.front_end.length, 512U);
    EXPECT_EQ(model.front_end.hop, 128U);
    EXPECT_EQ(model.front_end.analysis_window, dsp::WindowShape::hann);
    ASSERT_EQ(model.graphs.size(), 1U);
    const auto& graph = model.graphs.front();
    EXPECT_EQ(graph.file, "good.onnx");
    EXPECT_EQ(graph.bytes, 1000U);
    EXPECT_EQ(graph.domain, Domain::complex_spectrum);
    ASSERT_EQ(graph.inputs.size(), 3U);
    EXPECT_EQ(graph.inputs[0].elements(), 514U);
    EXPECT_EQ(graph.inputs[2].type, ElementType::i64);
    EXPECT_EQ(graph.inputs[2].bytes(), 8U);  // a scalar has one element
    ASSERT_EQ(graph.states.size(), 1U);
    EXPECT_EQ(graph.states[0].output, "cache_out");
    ASSERT_EQ(graph.constants.size(), 1U);
    EXPECT_EQ(graph.constants[0].value, 16'000);
}

TEST_F(ManifestFile, NamesAnUnknownKeyWithItsLine) {
    EXPECT_THAT(complaint_with("hop = 128", "hop = 128\nhopp = 1"),
                StartsWith(":11: key \"front_end.hopp\": found an unknown key, expected one of"));
    EXPECT_THAT(complaint_with("licence =", "license = \"x\"\nlicence ="),
                StartsWith(":3: key \"license\": found an unknown key"));
    EXPECT_THAT(complaint_with("file =", "size = 1\nfile ="),
                StartsWith(":14: key \"graph.size\": found an unknown key"));
    EXPECT_THAT(complaint_with("{ name = \"mix\",", "{ name = \"mix\", dim = 1,"),
                StartsWith(":22: key \"graph.inputs.dim\": found an unknown key"));
}

TEST_F(ManifestFile, NamesAMissingKey) {
    EXPECT_THAT(
        complaint_with("task = \"denoise\"\n", ""),
        EndsWith(
            ": key \"task\": found nothing, expected one of \"denoise\", \"vad\", \"mos\", \"phonemes\", \"words\""));
    EXPECT_THAT(complaint_with("hop = 128\n", ""), StartsWith(":8: key \"front_end.hop\": found nothing"));
    EXPECT_THAT(complaint_with("sha256", "#"), HasSubstr("key \"graph.sha256\": found nothing"));
}

TEST_F(ManifestFile, NamesAValueOfTheWrongType) {
    EXPECT_THAT(complaint_with("length = 512", "length = \"512\""),
                testing::StrEq(":9: key \"front_end.length\": found \"512\", expected an integer from 16 to 262144"));
    EXPECT_THAT(complaint_with("name = \"good\"", "name = 5"), StartsWith(":1: key \"name\": found 5, expected"));
    EXPECT_THAT(complaint_with("shape = [3, 4]", "shape = [3, 4.5]"),
                HasSubstr("found 4.5 in it, expected an array of integers"));
    EXPECT_THAT(complaint_with("states = [{ input = \"cache\", output = \"cache_out\" }]", "states = 1"),
                HasSubstr("key \"graph.states\": found 1, expected an array"));
}

TEST_F(ManifestFile, NamesAValueOutOfRange) {
    EXPECT_THAT(complaint_with("sample_rate_hz = 16000", "sample_rate_hz = 4000"),
                testing::StrEq(":6: key \"sample_rate_hz\": found 4000, expected an integer from 8000 to 192000"));
    EXPECT_THAT(complaint_with("hop = 128", "hop = 513"),
                StartsWith(":10: key \"front_end.hop\": found 513, expected an integer from 1 to 512"));
    EXPECT_THAT(complaint_with("hop = 128", "hop = 100"),
                HasSubstr("found 100, expected a divisor of the length, 512"));
    EXPECT_THAT(complaint_with("\"hann\"", "\"kaiser\""),
                HasSubstr("found \"kaiser\", expected one of \"rectangular\""));
    EXPECT_THAT(complaint_with("bytes = 1000", "bytes = 4294967296"),
                HasSubstr("expected an integer from 1 to 2147483648"));
    EXPECT_THAT(complaint_with("0123456789abcdef", "0123456789ABCDEF"),
                HasSubstr("expected 64 lower-case hexadecimal digits"));
    EXPECT_THAT(complaint_with("[3, 4]", "[3, 0]"), HasSubstr("found 0 in it"));
    EXPECT_THAT(complaint_with("[3, 4]", "[16777216, 16777216, 16777216, 16777216]"), HasSubstr("elements"));
}

TEST_F(ManifestFile, RefusesNamesThatLeadElsewhere) {
    EXPECT_THAT(complaint_with("\"good\"", "\"../good\""),
                StartsWith(":1: key \"name\": found \"../good\", expected a plain name"));
    EXPECT_THAT(complaint_with("\"good.onnx\"", "\"../../good.onnx\""), HasSubstr("key \"graph.file\""));
    EXPECT_THAT(complaint_with("\"good.onnx\"", "\"good.pt\""), HasSubstr("ends in .onnx or .tflite"));
    for (const auto* url : {"http://example.org/x", "file:///etc/passwd", "ftp://example.org/x", "x",
                            "http://127.0.0.1.example.org/x", "http://localhost@example.org/x"}) {
        EXPECT_THAT(complaint_with("https://example.org/good.onnx", url), HasSubstr("key \"graph.url\"")) << url;
    }
}

TEST_F(ManifestFile, NamesTensorsThatDoNotFitTogether) {
    EXPECT_THAT(complaint_with("input = \"mix\"", "input = \"mixture\""),
                HasSubstr("key \"graph.input\": found \"mixture\", expected one of \"mix\", \"cache\", \"rate\""));
    EXPECT_THAT(complaint_with("length = 512", "length = 1024"),
                HasSubstr("found \"mix\" f32 [1,257,1,2], expected 1026 values of f32"));
    EXPECT_THAT(complaint_with("{ name = \"cache_out\", shape = [3, 4] }", "{ name = \"cache_out\", shape = [4, 3] }"),
                HasSubstr("key \"graph.states.output\": found f32 [4,3], expected f32 [3,4] as its input has"));
    EXPECT_THAT(complaint_with("constants = [{ input = \"rate\"", "constants = [{ input = \"cache\""),
                HasSubstr("found \"cache\" a second time, expected one use for each tensor"));
    EXPECT_THAT(complaint_with("constants = [{ input = \"rate\", value = 16000 }]", ""),
                HasSubstr("found \"rate\" without a value, expected each as the signal, a state or a constant"));
    EXPECT_THAT(complaint_with("{ name = \"cache\",", "{ name = \"mix\","), HasSubstr("found \"mix\" a second time"));
}

TEST_F(ManifestFile, NamesTheLineOfASyntaxError) {
    EXPECT_THAT(complaint_with("hop = 128", "hop = = 128"), StartsWith(":10: not valid TOML: "));
    EXPECT_THAT(complaint_with("hop = 128", "hop = 128\nhop = 128"), StartsWith(":11: not valid TOML: "));
}

TEST_F(ManifestFile, IsNamedWhenItIsMissing) {
    EXPECT_THAT(test::error_of([&] { (void)read_manifest(folder_.path() / "nowhere"); }),
                EndsWith("nowhere/model.toml: cannot be read"));
}

constexpr std::string_view kGoodPhonemes = R"(name = "phones"
description = "a model for tests"
licence = "MIT"
source = "https://example.org"
task = "phonemes"
sample_rate_hz = 16000
[features]
kind = "kaldi_log_mel"
bands = 80
rows_per_answer = 2
look_ahead_answers = 2
speech_level = 22.5
classes = ["-", "AA", "AE"]
[[graph]]
file = "good.onnx"
bytes = 1000
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
domain = "features"
input = "features"
output = "log_probs"
inputs = [{ name = "features", shape = [1, 8, 80] }]
outputs = [{ name = "log_probs", shape = [1, 4, 3] }]
)";

TEST_F(ManifestFile, OfPhonemesHasFeaturesInPlaceOfAFrontEnd) {
    test::write(folder_.path() / "model.toml", kGoodPhonemes);
    const auto model = read_manifest(folder_.path());
    EXPECT_EQ(model.features.bands, 80U);
    EXPECT_EQ(model.features.rows_per_answer, 2U);
    EXPECT_EQ(model.features.look_ahead_answers, 2U);
    EXPECT_EQ(model.features.speech_level, 22.5F);
    EXPECT_THAT(model.features.classes, testing::ElementsAre("-", "AA", "AE"));
    EXPECT_EQ(model.front_end.hop, 1280U);
    EXPECT_EQ(model.front_end.length, 400U + 7 * 160U);
    EXPECT_EQ(model.graphs.front().domain, Domain::features);

    const auto shorter = with_rows(model, 2);
    EXPECT_EQ(shorter.front_end.hop, 320U);
    EXPECT_EQ(shorter.front_end.length, 560U);
    EXPECT_THAT(shorter.graphs.front().inputs.front().shape, testing::ElementsAre(1, 2, 80));
    EXPECT_THAT(shorter.graphs.front().outputs.front().shape, testing::ElementsAre(1, 1, 3));
    for (const std::uint32_t rows : {0U, 1U, 3U, 66U})
        EXPECT_THROW((void)with_rows(model, rows), std::invalid_argument);
}

TEST_F(ManifestFile, OfPhonemesNamesWhatDoesNotFit) {
    const auto complaint = [&](std::string_view from, std::string_view to) {
        return complaint_of(kGoodPhonemes, from, to);
    };
    EXPECT_THAT(complaint("[1, 8, 80]", "[1, 7, 80]"),
                HasSubstr("found \"features\" f32 [1,7,80], expected f32 [1,rows,80], rows a multiple of 2"));
    EXPECT_THAT(complaint("[1, 8, 80]", "[8, 80]"), HasSubstr("found \"features\" f32 [8,80]"));
    EXPECT_THAT(complaint("[1, 4, 3]", "[1, 4, 40]"),
                HasSubstr("found \"log_probs\" f32 [1,4,40], expected f32 [1,4,3]: a value for each class"));
    EXPECT_THAT(complaint("domain = \"features\"", "domain = \"waveform\""),
                HasSubstr("found \"waveform\", expected one of \"features\""));
    EXPECT_THAT(complaint("classes = [\"-\", \"AA\", \"AE\"]", "classes = [\"-\", 1]"),
                HasSubstr("found 1 in it, expected an array of at least 2 texts"));
    EXPECT_THAT(complaint("[features]", "[front_end]\nlength = 512\n[features]"), HasSubstr("found an unknown key"));
    EXPECT_THAT(complaint("bands = 80\n", ""), HasSubstr("key \"features.bands\": found nothing"));
}

// Every line of a good manifest cut off, and every byte replaced: an error or a manifest, never a crash.
TEST_F(ManifestFile, OfADeepFilterNamesWhatDoesNotFit) {
    std::ifstream file{test::kSource / "models" / "deepfilternet3" / "model.toml"};
    const std::string good{std::istreambuf_iterator<char>{file}, {}};
    const auto complaint = [&](std::string_view from, std::string_view to) { return complaint_of(good, from, to); };
    EXPECT_THAT(complaint("bands = 32", "bands = 31"),
                HasSubstr("found [1,1,3,32], expected \"feat_erb\" f32 [1,1,3,31], as [deep_filter] says"));
    EXPECT_THAT(complaint("look_ahead_hops = 2", "look_ahead_hops = 5"),
                HasSubstr("key \"deep_filter.look_ahead_hops\""));
    EXPECT_THAT(complaint("gains = \"m\"", "gains = \"n\""), HasSubstr("found no graph with an output \"n\""));
    EXPECT_THAT(complaint("filtered_bins = 96", "filtered_bins = 482"), HasSubstr("expected an integer from 1 to 481"));
    EXPECT_THAT(
        complaint("file = \"enc_conv_streaming.onnx\", output = \"e3\"", "file = \"none.onnx\", output = \"e3\""),
        HasSubstr("found \"none.onnx\", expected the file of a graph before this one"));
    EXPECT_THAT(complaint("output = \"e3\" }", "output = \"e1\" }"),
                HasSubstr("found f32 [1,64,1,16], expected f32 [1,64,1,8] as its input has"));
    EXPECT_THAT(complaint("  { input = \"c0\", file = \"enc_conv_streaming.onnx\", output = \"c0\" },\n", ""),
                HasSubstr("found \"c0\" without a value"));
    EXPECT_THAT(
        complaint("[1, 1, 288]", "[1, 1, 287]"),
        HasSubstr("found [1,1,287], expected \"evidence\" f32 of 288 values: three for each of the filtered_bins"));
    EXPECT_THAT(complaint("evidence = \"evidence\"", "evidence = \"none\""), HasSubstr("found no \"none\""));
    EXPECT_THAT(complaint("evidence = \"evidence\"\n", ""), HasSubstr("key \"deep_filter.evidence\": found nothing"));
    EXPECT_THAT(complaint("fresh_gains = \"fresh\"", "fresh_gains = \"none\""),
                HasSubstr("found \"evidence\" without a value"));
    EXPECT_THAT(complaint("domain = \"deep_filter\"", "domain = \"features\""), HasSubstr("key \"graph.domain\""));
}

TEST_F(ManifestFile, SurvivesDamageAnywhere) {
    std::mt19937 random{7};
    for (std::size_t at = 0; at < kGood.size(); at += 3) {
        std::string text{kGood};
        if (at % 2 == 0) {
            text.resize(at);
        } else {
            text[at] = static_cast<char>(random() % 256);
        }
        test::write(folder_.path() / "model.toml", text);
        try {
            (void)read_manifest(folder_.path());
        } catch (const InputError&) {
        }
    }
}

TEST(Manifests, OfThisRepositoryAreCorrectAndNamedAsTheirFolders) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{test::kSource / "models"}) {
        if (!std::filesystem::exists(entry.path() / "model.toml")) continue;
        EXPECT_EQ(read_manifest(entry.path()).name, entry.path().filename());
        ++count;
    }
    EXPECT_GE(count, 5);
}

}  // namespace
}  // namespace sidetone::nn
