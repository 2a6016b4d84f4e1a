// SPDX-License-Identifier: Apache-2.0
#include "speech/moonshine.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "speech/sound_memory.hpp"
#include "unit/nn/test_models.hpp"
#include "unit/nn/tiny_onnx.hpp"

namespace sidetone::speech {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Words : public testing::Test {
protected:
    void SetUp() override {
        if (!nn::is_there(model_)) GTEST_SKIP() << "no weights: sidetone models pull moonshine-tiny";
    }
    nn::WordModel model_ = nn::find_word_model("moonshine-tiny");
};

TEST_F(Words, RecordingsAreHeard) {
    Moonshine words{model_};
    EXPECT_EQ(words.text_of(nn::test::speech()), "Why should one halt on the way?");
    EXPECT_EQ(words.text_of(nn::test::speech("8455-210777-0068")), "Your power is sufficient, I said.");
}

TEST_F(Words, ShortAndSilentSoundHarmsNothing) {
    Moonshine words{model_};
    EXPECT_EQ(words.text_of({}), "");
    (void)words.text_of(std::vector<float>(10));
    const auto text = words.text_of(std::vector<float>(48'000));
    EXPECT_LT(text.size(), 200U) << text;
}

// A package whose decoder hands every memory on as it is, with one tensor that is `odd_shape` of `odd_type`.
class ForeignWords : public testing::Test {
protected:
    ForeignWords() {
        nn::test::TinyOnnx encoder;
        encoder.node("Identity", {"args_0"}, "sound").input("args_0", {1, 16}).output("sound", {1, 16});
        put(model_.encoder, "encoder.onnx", encoder.file());
        put(model_.pieces, "pieces", "<unk>\n<s>\n</s>\nwhy\n");
        model_.folder = folder_ / "toy";
        model_.name = "toy";
    }

    void put(nn::PackagedFile& file, const std::string& name, const std::string& contents) {
        nn::test::write(folder_ / "toy" / name, contents);
        file = {.file = name, .bytes = contents.size(), .sha256 = nn::sha256_of(folder_ / "toy" / name)};
    }

    void put_decoder(const std::string& odd, const nn::test::TinyOnnx::Shape& odd_shape, std::uint64_t odd_type) {
        nn::test::TinyOnnx decoder;
        const auto add = [&](const std::string& input, const std::string& output) {
            const auto type = output == odd ? odd_type : nn::test::kFloat;
            const auto shape = output == odd ? odd_shape : nn::test::TinyOnnx::Shape{1, 1, 1, 1};
            decoder.node("Identity", {input}, output).input(input, shape, type).output(output, shape, type);
        };
        add("input_ids", "logits");
        add("encoder_hidden_states", "unused");
        for (const std::string name : {"decoder.key", "decoder.value", "encoder.key", "encoder.value"}) {
            add("past_key_values.0." + name, "present.0." + name);
        }
        add("use_cache_branch", "unused too");
        put(model_.decoder, "decoder.onnx", decoder.file());
    }

    std::string error() {
        return nn::test::error_of([this] { Moonshine{model_}; });
    }

    nn::test::TemporaryFolder folder_;
    nn::WordModel model_;
};

TEST_F(ForeignWords, MemoriesWithoutDimensionsAreRefused) {
    put_decoder("present.0.decoder.key", {}, nn::test::kFloat);
    EXPECT_THAT(error(), HasSubstr("decoder.key\": found 0 dimensions of floats, expected 4 of floats"));
}

TEST_F(ForeignWords, OtherValuesThanFloatsAreRefused) {
    put_decoder("present.0.encoder.value", {1, 1, 1, 1}, nn::test::kInt64);
    EXPECT_THAT(error(), HasSubstr("encoder.value\": found 4 dimensions of other values, expected 4 of floats"));
    put_decoder("logits", {1, 1, 8}, nn::test::kInt64);
    EXPECT_THAT(error(), HasSubstr("\"logits\": found 3 dimensions of other values, expected any of floats"));
}

TEST_F(ForeignWords, WhatHasTheRightTensorsIsTakenAndFailsInOneLine) {
    put_decoder("", {}, nn::test::kFloat);
    Moonshine words{model_};
    EXPECT_THROW((void)words.text_of(std::vector<float>(8000)), std::runtime_error) << "16 samples are what it takes";
}

TEST(QuietEnd, LiesInTheQuietOfTheLastThird) {
    std::vector<float> samples(100'000);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = std::sin(0.1F * static_cast<float>(i));
    std::fill_n(samples.begin() + 20'000, 4000, 0.0F);  // before the last third of the part
    std::fill_n(samples.begin() + 70'000, 4000, 0.0F);
    const auto end = quiet_end(samples, 90'000);
    EXPECT_GE(end, 70'000U);
    EXPECT_LE(end, 74'000U);
    EXPECT_EQ(quiet_end(samples, samples.size()), samples.size());
}

TEST(LengthWithoutLoop, CutsWhatIsSaidOverAndOver) {
    const auto length = [](const std::vector<std::int64_t>& tokens) { return length_without_loop(tokens); };
    EXPECT_EQ(length({5, 6, 7, 8}), 4U);
    EXPECT_EQ(length({9, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}), 4U);
    EXPECT_EQ(length({9, 1, 2, 3, 1, 2, 3, 1, 2, 3}), 10U) << "three times may be meant";
    EXPECT_EQ(length({7, 7, 7, 7, 7, 7}), 6U) << "so may a few short words";
    EXPECT_EQ(length(std::vector<std::int64_t>(12, 7)), 1U);
}

TEST(SoundMemory, HoldsTheLatestSamples) {
    SoundMemory memory{8};
    std::vector<float> ramp(20);
    std::iota(ramp.begin(), ramp.end(), 0.0F);
    memory.push(ramp);
    EXPECT_THAT(memory.copy(14, 17), ElementsAre(14, 15, 16));
    EXPECT_THAT(memory.copy(10, 14), ElementsAre(12, 13)) << "the rest is forgotten";
    EXPECT_THAT(memory.copy(18, 30), ElementsAre(18, 19)) << "the rest has not come";
}

}  // namespace
}  // namespace sidetone::speech
