// SPDX-License-Identifier: Apache-2.0
#include "rt/interruptions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>
#include <vector>

#include "rt/clock.hpp"

namespace sidetone::rt {
namespace {

TEST(Interruptions, StretchesTheJobsThatTheyHit) {
    // 1 ms, of which 100 us in the middle are lost: jobs of 10 us meet it when they begin in the 10 us before.
    const std::array watches{Watch{.began_ns = 0, .end_ns = 1'000'000, .interruptions = {{500'000, 100'000}}}};
    Histogram taken;
    record_stretched(watches, 10'000, 1'000, taken);
    const auto jobs = 991 - 99;  // those that end in time, less those that would begin while the thread does not run
    EXPECT_EQ(taken.count(), static_cast<std::uint64_t>(jobs));
    EXPECT_EQ(taken.max_ns(), 110'000);
    EXPECT_EQ(taken.value_at(1 - 9.5 / jobs), taken.max_ns());
    EXPECT_NEAR(static_cast<double>(taken.value_at(1 - 10.5 / jobs)), 10'000, 100);
}

TEST(Interruptions, CountsAllThatMeetOneJob) {
    const std::array watches{
        Watch{.began_ns = 0, .end_ns = 100'000, .interruptions = {{11'000, 20'000}, {35'000, 5'000}, {70'000, 1'000}}}};
    Histogram taken;
    // Begun at 10 us: 1 us before the first, 4 us between, and the rest behind the second.
    record_stretched(watches, 10'000, 10'000, taken);
    EXPECT_EQ(taken.max_ns(), 35'000);
}

TEST(Interruptions, LeavesOutWhatWouldEndAfterTheWatch) {
    const std::array watches{Watch{.began_ns = 0, .end_ns = 9'999, .interruptions = {}},
                             Watch{.began_ns = 50'000, .end_ns = 60'000, .interruptions = {}}};
    Histogram taken;
    record_stretched(watches, 10'000, 1'000, taken);
    EXPECT_EQ(taken.count(), 1);
}

// Watches of 80 ms in each 100, with a clock's ticks that take 20 us and `others` a second elsewhere, of 50 us.
std::vector<Watch> watches_with(std::int64_t period_ns, double others) {
    std::mt19937 random{5};
    std::vector<Watch> watches;
    for (int turn = 0; turn < 20; ++turn) {
        const std::int64_t began = turn * 100'000'000LL + 7'000, end = began + 80'000'000;
        std::vector<Interruption> found;
        if (period_ns > 0) {
            for (auto at = (began / period_ns + 1) * period_ns + 300'000; at < end; at += period_ns)
                found.push_back({at + static_cast<std::int64_t>(random() % 3'000), 20'000});
        }
        for (int n = 0; n < static_cast<int>(others * 0.08); ++n)
            found.push_back({began + static_cast<std::int64_t>(random() % 80'000'000), 50'000});
        std::ranges::sort(found, {}, &Interruption::began_ns);
        watches.push_back({.began_ns = began, .end_ns = end, .interruptions = std::move(found)});
    }
    return watches;
}

TEST(ClockTick, IsFoundAmongOtherInterruptions) {
    for (const std::int64_t period_ns : {1'000'000, 2'000'000, 3'333'333, 4'000'000, 10'000'000}) {
        const auto tick = clock_tick_of(watches_with(period_ns, 100));
        ASSERT_TRUE(tick) << period_ns;
        EXPECT_EQ(tick->period_ns, period_ns);
        EXPECT_GT(tick->kept, 0.85) << period_ns;  // a watch may end before a beat
        EXPECT_LE(tick->kept, 1.0) << period_ns;
        EXPECT_NEAR(static_cast<double>(tick->count), 1.6e9 / static_cast<double>(period_ns), 40) << period_ns;
        EXPECT_EQ(tick->median_ns, 20'000) << period_ns;
    }
}

TEST(ClockTick, IsNotMadeUpOfWhatComesAnyTime) {
    EXPECT_FALSE(clock_tick_of(watches_with(0, 0)));
    EXPECT_FALSE(clock_tick_of(watches_with(0, 300)));
    EXPECT_FALSE(clock_tick_of(watches_with(0, 3000)));
    EXPECT_FALSE(clock_tick_of(watches_with(7'000'000, 100)));
    EXPECT_FALSE(clock_tick_of(watches_with(20'000'000, 100))) << "every other beat of 100 a second";
    EXPECT_FALSE(clock_tick_of({}));
}

TEST(Interruptions, AreInOrderWithinTheWatch) {
    constexpr std::int64_t kLeast = 1;  // so that the clock's own readings count: some lie apart by more than 1 ns
    const auto watch = watch_interruptions(2'000'000, kLeast, 1'000'000);
    EXPECT_GE(watch.end_ns - watch.began_ns, 2'000'000);
    ASSERT_FALSE(watch.interruptions.empty());
    auto end = watch.began_ns;
    for (const auto& found : watch.interruptions) {
        ASSERT_GE(found.began_ns, end);
        ASSERT_GE(found.length_ns, kLeast);
        end = found.began_ns + found.length_ns;
    }
    EXPECT_LE(end, watch.end_ns);
}

TEST(Interruptions, LeavesOutWhatIsShorterThanTheLeast) {
    constexpr std::int64_t kLeast = 10'000'000'000;
    EXPECT_TRUE(watch_interruptions(2'000'000, kLeast, 100).interruptions.empty());
}

TEST(Interruptions, EndsWhenItsMemoryIsFull) {
    const auto watch = watch_interruptions(1'000'000'000, 0, 100);
    EXPECT_EQ(watch.interruptions.size(), 100);
    EXPECT_LT(watch.end_ns - watch.began_ns, 1'000'000'000);
}

}  // namespace
}  // namespace sidetone::rt
