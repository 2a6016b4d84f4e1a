// SPDX-License-Identifier: Apache-2.0
#include "rt/interruptions.hpp"

#include <gtest/gtest.h>

#include <array>

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
