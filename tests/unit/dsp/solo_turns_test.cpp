// SPDX-License-Identifier: Apache-2.0
#include "dsp/solo_turns.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sidetone::dsp {
namespace {

constexpr double kRateHz = 1000;  // steps of 10 frames

std::vector<std::vector<float>> silence(std::size_t channels) {
    return {channels, std::vector<float>(1000)};
}

void sound(std::vector<float>& channel, std::ptrdiff_t begin, std::ptrdiff_t end) {
    std::fill(channel.begin() + begin, channel.begin() + end, 0.5F);
}

TEST(SoloTurns, AreInTimeAndEndWhereTheNextBegins) {
    auto channels = silence(3);
    sound(channels[2], 100, 200);
    sound(channels[0], 350, 400);
    sound(channels[0], 450, 500);  // after a pause of its own
    sound(channels[2], 700, 800);
    const auto found = solo_turns(channels, kRateHz);
    EXPECT_FALSE(found.overlap);
    ASSERT_EQ(found.turns.size(), 3U);
    const std::size_t channel[] = {2, 0, 2}, begin[] = {100, 350, 700}, end[] = {200, 500, 800},
                      next[] = {350, 700, 1000};
    for (std::size_t n = 0; n < 3; ++n) {
        EXPECT_EQ(found.turns[n].channel, channel[n]);
        EXPECT_NEAR(static_cast<double>(found.turns[n].begin), static_cast<double>(begin[n]), 20);
        EXPECT_NEAR(static_cast<double>(found.turns[n].end), static_cast<double>(end[n]), 20);
        EXPECT_NEAR(static_cast<double>(found.turns[n].next), static_cast<double>(next[n]), 20);
        EXPECT_LE(found.turns[n].begin, begin[n]);
        EXPECT_GE(found.turns[n].end, end[n]);
    }
}

TEST(SoloTurns, SayWhereTwoSoundAtOnce) {
    auto channels = silence(3);
    sound(channels[0], 100, 200);
    sound(channels[1], 600, 800);
    sound(channels[2], 750, 900);
    const auto found = solo_turns(channels, kRateHz);
    ASSERT_TRUE(found.overlap);
    EXPECT_EQ(found.overlap->one, 1U);
    EXPECT_EQ(found.overlap->other, 2U);
    EXPECT_NEAR(static_cast<double>(found.overlap->frame), 750, 10);
}

TEST(SoloTurns, AreNoneInSilence) {
    EXPECT_TRUE(solo_turns(silence(2), kRateHz).turns.empty());
    EXPECT_TRUE(solo_turns({}, kRateHz).turns.empty());
}

}  // namespace
}  // namespace sidetone::dsp
