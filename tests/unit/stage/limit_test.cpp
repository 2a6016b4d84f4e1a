// SPDX-License-Identifier: Apache-2.0
#include "stage/limit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "unit/stage/spectrum.hpp"
#include "unit/stage/through_stage.hpp"

namespace sidetone::stage {
namespace {

const float kCeiling = static_cast<float>(std::pow(10.0, -3.0 / 20));

LimitSettings settings(bool true_peak) {
    return {.limiter = {.ceiling_db = -3}, .true_peak = true_peak, .fade_in_ms = 100};
}

TEST(LimitStage, StartsFromSilenceAndNeverWithABlast) {
    for (const bool true_peak : {false, true}) {
        LimitStage stage(settings(true_peak));
        for (int start = 0; start < 2; ++start) {  // again after the card came back
            stage.prepare(test::card(2));
            const test::Channels loud(2, test::sine(1000, 9'600, 10));
            const auto out = test::through(stage, loud);
            for (std::size_t n = 0; n < 480; ++n) ASSERT_LT(std::fabs(out[1][n]), 0.12F) << "within 10 ms";
            for (std::size_t n = 4'800; n < 9'600; n += 48) ASSERT_NEAR(out[0][n], out[1][n], 0);
            EXPECT_GT(std::abs(test::amplitude_at(std::span{out[0]}.last(2'400), 1000)), 0.9 * kCeiling);
        }
    }
}

TEST(LimitStage, NothingPassesTheCeiling) {
    for (const bool true_peak : {false, true}) {
        LimitStage stage(settings(true_peak));
        stage.prepare(test::card(1));
        std::vector<float> wild = test::sine(440, 48'000, 50);
        for (std::size_t n = 0; n < wild.size(); n += 997) {
            constexpr float kWild[] = {std::numeric_limits<float>::quiet_NaN(), 1e30F, -1e30F,
                                       std::numeric_limits<float>::infinity()};
            wild[n] = kWild[n / 997 % 4];
        }
        const auto out = test::through(stage, {wild});
        for (const float sample : out[0]) ASSERT_LE(std::fabs(sample), kCeiling);
    }
}

TEST(LimitStage, DelayIsThatOfTheLimiter) {
    for (const bool true_peak : {false, true}) {
        LimitStage stage(settings(true_peak));
        stage.prepare(test::card(1));
        EXPECT_EQ(stage.delay_frames(), true_peak ? 48U : 0U);
        std::vector<float> pulse(9'600);
        pulse[7'000] = 0.25F;
        EXPECT_NEAR(test::through(stage, {pulse})[0][7'000 + stage.delay_frames()], 0.25F, 1e-4F);
    }
}

void change(LimitStage& stage, const char* keys) {
    const auto table = toml::parse(keys);
    stage.change(Settings{table, "chain.toml", "stage \"limit\""});
}

TEST(LimitStage, NothingPassesTheHigherOfTwoCeilingsOnItsWayAndTheNewOneThen) {
    constexpr std::array kCeilingsDb{-3.0, -20.0, -6.0, -40.0, -3.0};
    for (const bool true_peak : {false, true}) {
        LimitStage stage(settings(true_peak));
        stage.prepare(test::card(1));
        const std::string mode = true_peak ? "mode = 'true_peak'\n" : "";
        const auto out = test::through(stage, {test::sine(440, 60'032, 50)}, 128, [&](std::size_t frame) {
            if (frame % 12'032 != 0) return;
            change(stage, (mode + "ceiling_dbfs = " + std::to_string(kCeilingsDb.at(frame / 12'032))).c_str());
        })[0];
        for (std::size_t n = 12'032; n < out.size() - 32; ++n) {
            const double after = kCeilingsDb.at(n / 12'032), before = kCeilingsDb.at(n / 12'032 - 1);
            const double highest = n % 12'032 < 6'000 ? std::max(before, after) : after;
            ASSERT_LE(std::fabs(out[n]), static_cast<float>(std::pow(10.0, highest / 20))) << n;
        }
    }
}

// A blast is what a limit is there to prevent, whoever asks for it.
TEST(LimitStage, CeilingNeverRisesBeyondThatOfTheChainFile) {
    LimitStage stage(settings(false));
    stage.prepare(test::card(1));
    change(stage, "ceiling_dbfs = -20");
    change(stage, "ceiling_dbfs = -3");
    EXPECT_THROW(change(stage, "ceiling_dbfs = -2.9"), InputError);
}

}  // namespace
}  // namespace sidetone::stage
