// SPDX-License-Identifier: Apache-2.0
#include "rt/event_log.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace sidetone::rt {
namespace {

TEST(EventLog, GivesBackWhatWasRecordedInOrder) {
    Arena arena(1 << 16);
    EventLog log(arena, 8);
    for (std::uint32_t i = 0; i < 3; ++i) log.record({.at_ns = i, .kind = i + 10, .stage = 2, .values = {1, 2, i}});
    Event event;
    for (std::uint32_t i = 0; i < 3; ++i) {
        ASSERT_TRUE(log.take(event));
        EXPECT_EQ(event.at_ns, i);
        EXPECT_EQ(event.kind, i + 10);
        EXPECT_EQ(event.stage, 2U);
        EXPECT_EQ(event.values[2], i);
    }
    EXPECT_FALSE(log.take(event));
}

TEST(EventLog, FullDropsTheNewAndCountsThem) {
    Arena arena(1 << 16);
    EventLog log(arena, 4);
    for (std::uint32_t i = 0; i < 10; ++i) log.record({.kind = i});
    EXPECT_EQ(log.dropped(), 6U);
    Event event;
    for (std::uint32_t i = 0; i < 4; ++i) {
        ASSERT_TRUE(log.take(event));
        EXPECT_EQ(event.kind, i);
    }
    EXPECT_FALSE(log.take(event));
}

TEST(EventLog, EveryEventIsEitherTakenOrCountedAsDropped) {
    constexpr std::int64_t kEvents = 100'000;
    Arena arena(1 << 16);
    EventLog log(arena, 16);
    std::atomic<bool> ended{false};
    std::thread recorder([&] {
        for (std::int64_t i = 1; i <= kEvents; ++i) log.record({.at_ns = i, .values = {i, 2 * i, 3 * i}});
        ended.store(true, std::memory_order_release);
    });
    std::uint64_t taken = 0;
    std::int64_t last = 0;
    bool is_whole = true;
    for (bool last_round = false;; last_round = ended.load(std::memory_order_acquire)) {
        for (Event event; log.take(event); ++taken) {
            is_whole = is_whole && event.at_ns > last && event.values[0] == event.at_ns &&
                       event.values[1] == 2 * event.at_ns && event.values[2] == 3 * event.at_ns;
            last = event.at_ns;
        }
        if (last_round) break;
    }
    recorder.join();
    EXPECT_TRUE(is_whole);
    EXPECT_EQ(taken + log.dropped(), static_cast<std::uint64_t>(kEvents));
}

}  // namespace
}  // namespace sidetone::rt
