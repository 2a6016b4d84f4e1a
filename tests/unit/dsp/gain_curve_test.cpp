// SPDX-License-Identifier: Apache-2.0
#include "dsp/gain_curve.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sidetone::dsp {
namespace {

/// 20 dB up to 50 dB SPL, then 2 : 1, linear again from 90 dB SPL on.
const GainCurve kTwoToOne{.points = {{50, 20}, {90, 0}}};

TEST(GainCurve, IsStraightBetweenItsPointsAndLevelOutside) {
    EXPECT_DOUBLE_EQ(kTwoToOne.gain_db(10), 20);
    EXPECT_DOUBLE_EQ(kTwoToOne.gain_db(50), 20);
    EXPECT_DOUBLE_EQ(kTwoToOne.gain_db(70), 10);
    EXPECT_DOUBLE_EQ(kTwoToOne.gain_db(120), 0);
}

TEST(GainCurve, KneeIsAParabolaBetweenTheTwoLines) {
    auto curve = kTwoToOne;
    curve.knee_db = 10;
    EXPECT_NEAR(curve.gain_db(44), 20, 1e-9);
    EXPECT_NEAR(curve.gain_db(56), 17, 1e-9);
    for (const double level : {45.0, 48.0, 50.0, 53.0, 55.0}) {
        const double into_knee_db = level - 45;
        EXPECT_NEAR(curve.gain_db(level), 20 - 0.5 * into_knee_db * into_knee_db / (2 * 10), 0.005) << level;
    }
}

TEST(GainCurve, ExpandsBelowItsThresholdByAtMost30Decibels) {
    auto curve = kTwoToOne;
    curve.expansion_below_db_spl = 35;
    curve.expansion_ratio = 3;
    EXPECT_DOUBLE_EQ(curve.gain_db(35), 20);
    EXPECT_DOUBLE_EQ(curve.gain_db(30), 20 - 2 * 5);
    EXPECT_DOUBLE_EQ(curve.gain_db(20), -10);
    EXPECT_DOUBLE_EQ(curve.gain_db(0), -10);
}

TEST(GainCurve, OutputIsNeverAboveItsLimit) {
    GainCurve curve{.points = {{40, 30}}, .knee_db = 12, .output_limit_db_spl = 100};
    for (double level = 0; level < 150; level += 0.5) EXPECT_LE(level + curve.gain_db(level), 100 + 1e-9);
    EXPECT_DOUBLE_EQ(curve.gain_db(70), 30);
    EXPECT_DOUBLE_EQ(curve.gain_db(110), -10);
}

TEST(GainCurve, FaultsAreFoundWhereTheyAre) {
    EXPECT_FALSE(fault_in({{40, 20}, {60, 20}, {90, -10}}));
    EXPECT_EQ(fault_in({{40, 20}, {60, 10}, {60, 5}}), 1U);  // levels do not rise
    EXPECT_EQ(fault_in({{40, 20}, {60, 21}, {90, 0}}), 0U);  // gain rises
    EXPECT_EQ(fault_in({{40, 20}, {50, 15}, {55, 9}}), 1U);  // louder in, softer out
    EXPECT_EQ(fault_in({{40, 20}, {std::nan(""), 15}}), 0U);
    EXPECT_EQ(fault_in({{40, std::nan("")}, {50, 15}}), std::nullopt) << "NaN is for the reader of settings to refuse";
}

TEST(GainTable, IsTheCurveAtWholeDecibelsAndStraightBetween) {
    const GainTable table(kTwoToOne);
    for (float level = -60; level < 170; level += 0.25F) {
        EXPECT_NEAR(table.gain_db(level), kTwoToOne.gain_db(level), 1e-5) << level;
    }
    EXPECT_TRUE(std::isfinite(table.gain_db(std::numeric_limits<float>::quiet_NaN())));
    EXPECT_TRUE(std::isfinite(table.gain_db(std::numeric_limits<float>::infinity())));
}

/// Hops until the output has settled for good, counted in the recursion itself.
int settling_hops(const GainCurve& curve, double from_db, double to_db, double share, double tolerance_db) {
    double level = from_db;
    int last_off = 0;
    for (int hop = 1; hop < 100'000; ++hop) {
        level += share * (to_db - level);
        if (std::fabs(curve.gain_db(level) - curve.gain_db(to_db)) > tolerance_db) last_off = hop;
    }
    return last_off + 1;
}

TEST(Smoothing, SettlesInTheTimeThatWasSet) {
    for (const double ratio : {1.5, 2.0, 3.0, 10.0}) {
        const GainCurve curve{.points = {{40, 30}, {100, 30 - 60 * (1 - 1 / ratio)}}};
        for (const double hops : {20.0, 100.0, 1000.0}) {
            const double attack = smoothing_share(attack_distance_db(curve), hops);
            EXPECT_NEAR(settling_hops(curve, 55, 90, attack, 3), hops, 0.02 * hops + 1) << ratio;
            const double release = smoothing_share(release_distance_db(curve), hops);
            EXPECT_NEAR(settling_hops(curve, 90, 55, release, 4), hops, 0.02 * hops + 1) << ratio;
        }
    }
}

TEST(Smoothing, OfWeakCompressionIsNeverSlowerThanItsTimeAsATimeConstant) {
    const GainCurve linear{.points = {{40, 10}}};
    EXPECT_NEAR(smoothing_share(attack_distance_db(linear), 50), 1 - std::exp(-1.0 / 50), 1e-9);
    EXPECT_EQ(smoothing_share(5, 0), 1);
}

}  // namespace
}  // namespace sidetone::dsp
