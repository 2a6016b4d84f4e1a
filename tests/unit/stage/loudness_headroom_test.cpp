// SPDX-License-Identifier: Apache-2.0
#include "stage/loudness_headroom.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "stage/hrir_file.hpp"

namespace sidetone::stage {
namespace {

constexpr std::uint32_t kRateHz = 48'000;

/// Every speaker to both ears alike, by one tap.
std::vector<dsp::EarPair> to_both_ears(std::size_t speakers, float gain) {
    return std::vector<dsp::EarPair>(speakers, {std::vector<float>{gain}, std::vector<float>{gain}});
}

double headroom_db(std::string_view layout, float gain, std::uint32_t rate_hz = kRateHz) {
    const auto speakers = dsp::speakers_of(layout, dsp::ChannelOrder::wav);
    return loudness_headroom_db(speakers, to_both_ears(speakers.size(), gain), rate_hz);
}

/// Powers of sounds that have nothing to do with each other add up.
TEST(LoudnessHeadroom, IsTheRatioOfTheSummedPowers) {
    // Each side of the downmix has its front (1), half of the middle, and the surrounds of its side (1/2 each).
    EXPECT_NEAR(headroom_db("stereo", 1), 10 * std::log10(1.0 / 2), 0.2);
    EXPECT_NEAR(headroom_db("5.1", 1), 10 * std::log10((1 + 0.5 + 0.5) / 5), 0.2);
    EXPECT_NEAR(headroom_db("7.1", 1), 10 * std::log10((1 + 0.5 + 0.5 + 0.5) / 7), 0.2);
    EXPECT_NEAR(headroom_db("7.1.4", 1), 10 * std::log10((1 + 0.5 + 0.5 + 0.5 + 0.5 + 0.5) / 11), 0.2);
}

TEST(LoudnessHeadroom, FollowsTheLevelOfTheSetExactly) {
    const double at_one = headroom_db("7.1", 1);
    for (const float gain : {0.1F, 0.5F, 3.0F}) {
        EXPECT_NEAR(headroom_db("7.1", gain), at_one - 20 * std::log10(static_cast<double>(gain)), 0.01);
    }
}

TEST(LoudnessHeadroom, IsTheSameAtAnyRate) {
    for (const std::uint32_t rate_hz : {44'100U, 96'000U}) {
        EXPECT_NEAR(headroom_db("5.1", 1, rate_hz), headroom_db("5.1", 1), 0.2);
    }
}

TEST(LoudnessHeadroom, OfSilenceIsNone) {
    EXPECT_EQ(headroom_db("7.1", 0), 0);
    EXPECT_EQ(headroom_db("7.1", 1e-4F), 40) << "and there is an end";
}

TEST(LoudnessHeadroom, OfAMeasuredHeadIsSomeDecibels) {
    const auto kemar = find_hrir("mit-kemar");
    if (!std::filesystem::exists(kemar)) GTEST_SKIP() << "there is no MIT KEMAR";
    const auto set = read_hrir_file(kemar).set;
    for (const auto* const layout : {"stereo", "7.1", "9.1.6"}) {
        const auto speakers = dsp::speakers_of(layout, dsp::ChannelOrder::wav);
        std::vector<dsp::EarPair> ears;
        for (const auto& speaker : speakers) ears.push_back(set.at(speaker.direction));
        const double found = loudness_headroom_db(speakers, ears, set.rate_hz());
        RecordProperty(layout, std::to_string(found));
        EXPECT_LT(std::abs(found), 15) << layout;
    }
}

}  // namespace
}  // namespace sidetone::stage
