// SPDX-License-Identifier: Apache-2.0
#include "speech/moonshine.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "speech/sound_memory.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::speech {
namespace {

using testing::ElementsAre;

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
