// SPDX-License-Identifier: Apache-2.0
#include "rt/stall_watch.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "rt/clock.hpp"
#include "rt/thread.hpp"

namespace sidetone::rt {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(StallWatch, AStallCountsFromAPeriodBeforeItWasSeenToItsEnd) {
    const std::deque<Stall> stalls{{.from_ns = 10 * kMs, .to_ns = 14 * kMs}, {.from_ns = 30 * kMs, .to_ns = 31 * kMs}};
    EXPECT_EQ(most_stalled_ns(stalls, 0, 100 * kMs), (4 + 1 + 1 + 1) * kMs);
    EXPECT_EQ(most_stalled_ns(stalls, 0, 20 * kMs), 5 * kMs);
    EXPECT_EQ(most_stalled_ns(stalls, 12 * kMs, 13 * kMs), 1 * kMs) << "within it";
    EXPECT_EQ(most_stalled_ns(stalls, 13 * kMs, 20 * kMs), 1 * kMs) << "its end";
    EXPECT_EQ(most_stalled_ns(stalls, 14 * kMs, 29 * kMs), 0);
    EXPECT_EQ(most_stalled_ns({}, 0, 100 * kMs), 0);
}

TEST(StallWatch, ExcusesWhatItExplains) {
    std::int64_t from_ns = 0, to_ns = 0, stalled_ns = 0;
    const StallFinder stalls = [&](std::int64_t from, std::int64_t to) {
        from_ns = from;
        to_ns = to;
        return stalled_ns;
    };
    const StallExcuse overrun{.within_ns = 6 * kMs, .least_ns = 3 * kMs}, any{.within_ns = 6 * kMs};
    EXPECT_FALSE(is_excused(100 * kMs, any, stalls)) << "nothing stood still";
    EXPECT_EQ(from_ns, 94 * kMs);
    EXPECT_EQ(to_ns, 100 * kMs);
    stalled_ns = 2 * kMs;
    EXPECT_TRUE(is_excused(100 * kMs, any, stalls));
    EXPECT_FALSE(is_excused(100 * kMs, overrun, stalls)) << "for 2 of the 3 ms";
    stalled_ns = 3 * kMs;
    EXPECT_TRUE(is_excused(100 * kMs, overrun, stalls));
    stalled_ns = 0;
    EXPECT_FALSE(is_excused(100 * kMs, {.within_ns = kMs, .least_ns = 0}, stalls)) << "without a stall there is none";
}

TEST(StallWatch, ExactlyThoseRunsAreLeftOutThatAStallOverlaps) {
    // It counts from 9 ms to 14 ms; what a run took says nothing.
    const std::deque<Stall> stalls{{.from_ns = 10 * kMs, .to_ns = 14 * kMs}};
    const std::vector<TimedRun> runs{{.start_ns = 7 * kMs, .took_ns = 2 * kMs},   // ends as it begins
                                     {.start_ns = 8 * kMs, .took_ns = 3 * kMs},   // into it
                                     {.start_ns = 11 * kMs, .took_ns = 1 * kMs},  // within it
                                     {.start_ns = 8 * kMs, .took_ns = 9 * kMs},   // around it
                                     {.start_ns = 13 * kMs, .took_ns = 4 * kMs},  // out of it
                                     {.start_ns = 14 * kMs, .took_ns = 5 * kMs}};
    Histogram times;
    record_unstalled(
        runs, [&](auto from_ns, auto to_ns) { return most_stalled_ns(stalls, from_ns, to_ns); }, times);
    EXPECT_EQ(times.count(), 2U);
    EXPECT_NEAR(static_cast<double>(times.value_at(0.01)), 2 * kMs, 0.1 * kMs);
    EXPECT_NEAR(static_cast<double>(times.max_ns()), 5 * kMs, 0.1 * kMs);
}

TEST(StallWatch, IsRefusedWhereItCannotBeAboveThoseItWatches) {
    std::string why;
    EXPECT_EQ(StallWatch::start_or_say(99, why), nullptr);
    EXPECT_NE(why.find(may_use_realtime_priority() ? "above 99" : "right to real-time priority"), why.npos) << why;
}

// A program that keeps a processor to itself, at a real-time priority below the watch's, is no stall.
TEST(StallWatch, ABusyProgramIsNoStall) {
    constexpr int kBusyPriority = 70;
    StallWatch watch;
    if (watch.priority() <= kBusyPriority) GTEST_SKIP() << "no right to a higher real-time priority";
    EXPECT_TRUE(watch.is_watching());
    std::int64_t from_ns = 0, to_ns = 0;
    RealtimeThread busy{{.name = "busy", .priority = kBusyPriority, .core = 0}, [&] {
                            from_ns = now_ns();
                            do {
                                to_ns = now_ns();
                            } while (to_ns - from_ns < 200 * kMs);
                        }};
    busy.join();
    EXPECT_LT(watch.most_stalled_ns(from_ns, to_ns), 100 * kMs) << "the machine may stand still, but not all the time";
}

}  // namespace
}  // namespace sidetone::rt
