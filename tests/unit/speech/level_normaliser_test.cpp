// SPDX-License-Identifier: Apache-2.0
#include "speech/level_normaliser.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>

namespace sidetone::speech {
namespace {

constexpr float kSpeechLevel = 22.5F;
constexpr float kDecibel = std::numbers::ln10_v<float> / 10;

/// Rows of three bands: words of half a second, `level` in the loudest, 40 dB above the pauses of 0.2 s between them.
class Speaker {
public:
    explicit Speaker(float level) : level_(level) {}

    float offset_after(LevelNormaliser& normaliser, int rows) {
        float offset = 0;
        for (int row = 0; row < rows; ++row) {
            const bool is_pause = (row_++ % 70) >= 50;
            const auto loudest = level_ + spread_(random_) - (is_pause ? 40 * kDecibel : 0);
            offset = normaliser.offset_for(std::array{loudest - 3, loudest, loudest - 1});
        }
        return offset;
    }

private:
    float level_;
    int row_ = 55;  // a pause comes first
    std::mt19937 random_{7};
    std::normal_distribution<float> spread_{0, 3 * kDecibel};
};

TEST(LevelNormaliser, LeavesAVoiceOfTrainingsLevelAsItIs) {
    for (const float decibels : {-8.0F, 0.0F, 8.0F}) {
        LevelNormaliser normaliser{kSpeechLevel};
        Speaker speaker{kSpeechLevel + decibels * kDecibel};
        for (int second = 0; second < 30; ++second) EXPECT_EQ(speaker.offset_after(normaliser, 100), 0) << decibels;
    }
}

TEST(LevelNormaliser, BringsASoftVoiceToTrainingsLevelInAFewSeconds) {
    for (const float decibels : {-30.0F, -40.0F, -45.0F}) {
        LevelNormaliser normaliser{kSpeechLevel};
        Speaker speaker{kSpeechLevel + decibels * kDecibel};
        const auto left = [&](int rows) { return decibels + speaker.offset_after(normaliser, rows) / kDecibel; };
        EXPECT_LT(left(10), -15) << "at once";
        EXPECT_NEAR(left(500), -2, 4) << decibels;
        EXPECT_NEAR(left(3000), -2, 2) << decibels;
    }
}

TEST(LevelNormaliser, BringsALoudVoiceDownSooner) {
    LevelNormaliser normaliser{kSpeechLevel};
    Speaker speaker{kSpeechLevel + 25 * kDecibel};
    EXPECT_LT(speaker.offset_after(normaliser, 100) / kDecibel, -15);
}

TEST(LevelNormaliser, GivesNoMoreThan45AndTakesNoMoreThan20Decibels) {
    LevelNormaliser normaliser{kSpeechLevel};
    EXPECT_FLOAT_EQ(Speaker{kSpeechLevel - 70 * kDecibel}.offset_after(normaliser, 3000), 45 * kDecibel);
    normaliser.reset();
    EXPECT_FLOAT_EQ(Speaker{kSpeechLevel + 80 * kDecibel}.offset_after(normaliser, 3000), -20 * kDecibel);
}

TEST(LevelNormaliser, TurnsNoSteadyNoiseUpNorForgetsAVoiceInSilence) {
    std::mt19937 random{8};
    std::normal_distribution<float> spread{0, 2 * kDecibel};
    LevelNormaliser normaliser{kSpeechLevel};
    const auto noise = [&](int rows) {
        float offset = 0;
        for (int row = 0; row < rows; ++row) {
            const auto loudest = kSpeechLevel - 65 * kDecibel + spread(random);
            offset = normaliser.offset_for(std::array{loudest});
        }
        return offset;
    };
    EXPECT_EQ(noise(6000), 0);
    const auto soft = Speaker{kSpeechLevel - 25 * kDecibel}.offset_after(normaliser, 1000);
    EXPECT_GT(soft, 15 * kDecibel);
    EXPECT_FLOAT_EQ(noise(60'000), soft);  // ten minutes
}

TEST(LevelNormaliser, TakesNothingFromRowsWithoutSoundOrThatAreNotFinite) {
    LevelNormaliser normaliser{kSpeechLevel}, other{kSpeechLevel};
    Speaker speaker{kSpeechLevel - 30 * kDecibel}, same{kSpeechLevel - 30 * kDecibel};
    const auto infinite = std::numeric_limits<float>::infinity();
    for (int second = 0; second < 10; ++second) {
        const auto offset = speaker.offset_after(normaliser, 100);
        ASSERT_EQ(offset, same.offset_after(other, 100));
        for (const float value : {-15.9F, -infinite, infinite, std::numeric_limits<float>::quiet_NaN()}) {
            EXPECT_EQ(other.offset_for(std::array{value, value}), offset);
        }
    }
}

}  // namespace
}  // namespace sidetone::speech
