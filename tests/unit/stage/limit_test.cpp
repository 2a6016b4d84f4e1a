// SPDX-License-Identifier: Apache-2.0
#include "stage/limit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
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

}  // namespace
}  // namespace sidetone::stage
