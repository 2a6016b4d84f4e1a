// SPDX-License-Identifier: Apache-2.0
#include "rt/stall_watch.hpp"

#include <gtest/gtest.h>

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

// A program that keeps a processor to itself, at a real-time priority below the watch's, is no stall.
TEST(StallWatch, ABusyProgramIsNoStall) {
    if (!may_use_realtime_priority()) GTEST_SKIP() << "no right to real-time priority";
    StallWatch watch;
    ASSERT_TRUE(watch.is_watching());
    std::int64_t from_ns = 0, to_ns = 0;
    RealtimeThread busy{{.name = "busy", .priority = 70, .core = 0}, [&] {
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
