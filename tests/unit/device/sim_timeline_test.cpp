// SPDX-License-Identifier: Apache-2.0
#include "device/sim_timeline.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sidetone::device {
namespace {

std::vector<SimTick> plan(const SimPacing& pacing, std::size_t count) {
    SimTimeline timeline(pacing);
    std::vector<SimTick> ticks(count);
    for (auto& tick : ticks) tick = timeline.next();
    return ticks;
}

TEST(SimTimeline, BlockIsDueWhenItsLastFrameHasBeenCaptured) {
    const auto ticks = plan({.rate_hz = 48'000, .block_frames = 96}, 1000);
    for (std::size_t k = 0; k < ticks.size(); ++k) {
        EXPECT_NEAR(ticks[k].due_ns, static_cast<double>(k + 1) * 2e6, 1e-3);
        EXPECT_EQ(ticks[k].fire_ns, ticks[k].due_ns);
        EXPECT_EQ(ticks[k].first_frame, k * 96);
        EXPECT_EQ(ticks[k].lost_frames, 0U);
    }
}

TEST(SimTimeline, SkewShortensThePeriod) {
    const auto last = plan({.rate_hz = 48'000, .block_frames = 480, .skew_ppm = 250}, 100'000).back();
    EXPECT_NEAR(last.due_ns, 1000e9 / (1 + 250e-6), 1);
}

TEST(SimTimeline, JitterIsLatenessWithinItsBoundsAndLeavesDueTimesAlone) {
    for (const auto shape : {JitterShape::uniform, JitterShape::gaussian}) {
        const auto ticks =
            plan({.rate_hz = 48'000, .block_frames = 480, .jitter_us = 500, .jitter_shape = shape}, 20'000);
        double sum = 0;
        for (std::size_t k = 0; k < ticks.size(); ++k) {
            EXPECT_NEAR(ticks[k].due_ns, static_cast<double>(k + 1) * 1e7, 1e-2);
            const double late_ns = ticks[k].fire_ns - ticks[k].due_ns;
            ASSERT_GE(late_ns, 0);
            ASSERT_LE(late_ns, shape == JitterShape::uniform ? 500e3 : 2000e3);
            sum += late_ns;
        }
        // Mean of the uniform and of the folded normal distribution.
        const double mean_ns = shape == JitterShape::uniform ? 250e3 : 500e3 * std::sqrt(2 / M_PI);
        EXPECT_NEAR(sum / static_cast<double>(ticks.size()), mean_ns, 0.02 * mean_ns);
    }
}

TEST(SimTimeline, DroppedPeriodsAreLostFramesAndNothingElse) {
    const auto ticks = plan({.rate_hz = 48'000, .block_frames = 128, .drop_share = 0.1}, 20'000);
    std::uint64_t expected_first = 0, lost = 0;
    for (const auto& tick : ticks) {
        EXPECT_EQ(tick.first_frame, expected_first + tick.lost_frames);
        expected_first = tick.first_frame + tick.frames;
        lost += tick.lost_frames;
    }
    EXPECT_NEAR(static_cast<double>(lost) / static_cast<double>(expected_first), 0.1, 0.01);
}

TEST(SimTimeline, DoubledCallbacksComeTogetherAndLoseNothing) {
    const auto ticks = plan({.rate_hz = 48'000, .block_frames = 128, .double_share = 0.2}, 20'000);
    const double period_ns = 128e9 / 48'000;
    int pairs = 0;
    for (std::size_t k = 0; k + 1 < ticks.size(); ++k) {
        EXPECT_EQ(ticks[k].lost_frames, 0U);
        if (ticks[k].fire_ns < ticks[k].due_ns + 1) continue;
        ++pairs;
        EXPECT_NEAR(ticks[k].fire_ns - ticks[k].due_ns, period_ns, 1);
        EXPECT_NEAR(ticks[k + 1].fire_ns, ticks[k].fire_ns, 1);
    }
    // Every block that is not the second of a pair may begin one: share p / (1 + p).
    EXPECT_NEAR(pairs / 20'000.0, 0.2 / 1.2, 0.01);
}

TEST(SimTimeline, BlockSizesCycleThroughThePattern) {
    SimTimeline timeline({.rate_hz = 48'000, .block_frames = 64, .block_pattern = {64, 128, 33}});
    EXPECT_EQ(timeline.longest_block(), 128U);
    std::uint64_t frames = 0;
    for (const std::uint32_t expected : {64U, 128U, 33U, 64U, 128U, 33U}) {
        const auto tick = timeline.next();
        EXPECT_EQ(tick.frames, expected);
        frames += expected;
        EXPECT_NEAR(tick.due_ns, static_cast<double>(frames) * 1e9 / 48'000, 1e-3);
    }
}

TEST(SimTimeline, TheSameSeedGivesTheSamePlan) {
    const SimPacing pacing{
        .rate_hz = 48'000, .block_frames = 64, .jitter_us = 100, .drop_share = 0.1, .double_share = 0.1, .seed = 42};
    const auto once = plan(pacing, 1000), again = plan(pacing, 1000);
    for (std::size_t k = 0; k < once.size(); ++k) {
        EXPECT_EQ(once[k].fire_ns, again[k].fire_ns);
        EXPECT_EQ(once[k].first_frame, again[k].first_frame);
    }
}

TEST(SimTimeline, LatenessThatTheBufferHoldsLosesNothing) {
    SimTimeline timeline({.rate_hz = 48'000, .block_frames = 48, .buffered_periods = 2});
    auto tick = timeline.next();
    timeline.catch_up(tick, tick.due_ns + 1.99e6);
    EXPECT_EQ(tick.first_frame, 0U);
    EXPECT_EQ(tick.lost_frames, 0U);
}

TEST(SimTimeline, AStallLosesThePeriodsGoneByInsteadOfABurst) {
    for (const auto& pattern : {std::vector<std::uint32_t>{}, std::vector<std::uint32_t>{48, 96, 17}}) {
        SimTimeline timeline({.rate_hz = 48'000, .block_frames = 48, .block_pattern = pattern});
        (void)timeline.next();
        auto tick = timeline.next();
        const auto first = tick.first_frame;
        const double now_ns = tick.due_ns + 30e6;
        timeline.catch_up(tick, now_ns);
        EXPECT_LE(tick.due_ns, now_ns);
        EXPECT_EQ(tick.first_frame, first + tick.lost_frames);
        const auto following = timeline.next();
        EXPECT_GT(following.due_ns, now_ns) << "the next block is not due yet";
        EXPECT_EQ(following.lost_frames, 0U);
        EXPECT_EQ(following.first_frame, tick.first_frame + tick.frames);
    }
}

TEST(SimTimeline, SkippingGoesToTheFirstBlockNotYetDue) {
    SimTimeline timeline({.rate_hz = 48'000, .block_frames = 480});
    for (int i = 0; i < 3; ++i) (void)timeline.next();
    EXPECT_EQ(timeline.skip_until(105e6), 7U * 480);
    EXPECT_NEAR(timeline.next().due_ns, 110e6, 1e-2);
}

}  // namespace
}  // namespace sidetone::device
