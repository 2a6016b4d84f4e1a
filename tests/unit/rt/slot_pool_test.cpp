// SPDX-License-Identifier: Apache-2.0
#include "rt/slot_pool.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sidetone::rt {
namespace {

using enum SlotState;

constexpr std::array kStates{free, writing, ready, running, done, reading};

TEST(SlotPool, ASlotLivesThroughItsStatesInOrder) {
    Arena arena(1 << 16);
    SlotPool pool(arena, 4);
    for (std::uint64_t sequence = 0; sequence < 20; ++sequence) {
        for (std::size_t step = 0; step < kStates.size(); ++step) {
            EXPECT_EQ(pool.state(sequence), kStates[step]);
            ASSERT_TRUE(pool.move(sequence, kStates[step], kStates[(step + 1) % kStates.size()]));
        }
        EXPECT_EQ(pool.state(sequence), free);
    }
}

TEST(SlotPool, BehavesAsItsReferenceUnderRandomMoves) {
    struct Reference {
        SlotState state = free;
        std::uint64_t sequence = 0;
    };
    Arena arena(1 << 16);
    SlotPool pool(arena, 4);
    std::vector<Reference> slots(pool.size());
    std::mt19937 random(7);
    const auto any_state = [&] { return kStates[random() % kStates.size()]; };
    for (int i = 0; i < 200'000; ++i) {
        const std::uint64_t sequence = random() % 12;
        auto& slot = slots[sequence % slots.size()];
        const auto from = any_state();
        const auto to = from == free ? writing : any_state();
        const bool is_possible = slot.state == from && (from == free || slot.sequence == sequence);
        ASSERT_EQ(pool.move(sequence, from, to), is_possible);
        if (is_possible) slot = {to, sequence};
        ASSERT_EQ(pool.state(sequence), slot.sequence == sequence ? slot.state : free);
    }
}

TEST(SlotPool, AnOldSequenceNumberCannotMoveTheSlotOfANewOne) {
    Arena arena(1 << 16);
    SlotPool pool(arena, 2);
    ASSERT_TRUE(pool.move(7, free, writing));
    EXPECT_FALSE(pool.move(5, writing, ready));
    EXPECT_FALSE(pool.move(9, free, writing));
    EXPECT_EQ(pool.state(7), writing);
    EXPECT_EQ(pool.state(5), free);
}

TEST(SlotPool, ResetFreesEverySlot) {
    Arena arena(1 << 16);
    SlotPool pool(arena, 3);
    for (std::uint64_t sequence = 0; sequence < 3; ++sequence) ASSERT_TRUE(pool.move(sequence, free, writing));
    pool.stamps(1).due_ns = 5;
    pool.reset();
    for (std::uint64_t sequence = 0; sequence < 3; ++sequence) EXPECT_TRUE(pool.move(sequence, free, writing));
    EXPECT_EQ(pool.stamps(1).due_ns, 0);
}

TEST(SlotPool, StatesHaveNames) {
    EXPECT_STREQ(to_string(free), "free");
    EXPECT_STREQ(to_string(reading), "reading");
}

TEST(SlotPool, HandsEveryHopToTheWorkerAndBackWhole) {
    // Plain memory beside each slot: ThreadSanitizer sees whether the states alone keep the two threads apart.
    constexpr std::uint64_t kHops = 50'000;
    Arena arena(1 << 16);
    SlotPool pool(arena, 4);
    std::vector<std::uint64_t> payload(pool.size());
    std::thread worker([&] {
        for (std::uint64_t hop = 0; hop < kHops; ++hop) {
            while (!pool.move(hop, ready, running)) std::this_thread::yield();
            payload[hop % payload.size()] *= 3;
            pool.stamps(hop).due_ns = pool.stamps(hop).submitted_ns + 1;
            if (!pool.move(hop, running, done)) std::abort();
        }
    });
    std::uint64_t wrong = 0;
    std::uint64_t read = 0;
    for (std::uint64_t submitted = 0; read < kHops;) {
        if (submitted < kHops && pool.move(submitted, free, writing)) {
            payload[submitted % payload.size()] = submitted;
            pool.stamps(submitted).submitted_ns = static_cast<std::int64_t>(submitted);
            if (!pool.move(submitted, writing, ready)) ++wrong;
            ++submitted;
        } else if (pool.move(read, done, reading)) {
            if (payload[read % payload.size()] != 3 * read) ++wrong;
            if (pool.stamps(read).due_ns != static_cast<std::int64_t>(read) + 1) ++wrong;
            if (!pool.move(read, reading, free)) ++wrong;
            ++read;
        } else {
            std::this_thread::yield();
        }
    }
    worker.join();
    EXPECT_EQ(wrong, 0U);
}

TEST(SlotPool, OfTwoThreadsThatWantASlotExactlyOneGetsIt) {
    // The audio thread withdraws a hop that is too late while the worker would begin it.
    constexpr std::uint64_t kHops = 20'000;
    Arena arena(1 << 16);
    SlotPool pool(arena, 1);
    std::atomic<std::uint64_t> offered{0};
    std::atomic<std::uint64_t> settled{0};
    std::uint64_t begun = 0;
    std::thread worker([&] {
        for (std::uint64_t hop = 1; hop <= kHops; ++hop) {
            while (offered.load(std::memory_order_acquire) < hop) std::this_thread::yield();
            if (pool.move(hop, ready, running)) {
                ++begun;
                if (!pool.move(hop, running, free)) std::abort();
            }
            settled.store(hop, std::memory_order_release);
        }
    });
    std::uint64_t withdrawn = 0;
    for (std::uint64_t hop = 1; hop <= kHops; ++hop) {
        ASSERT_TRUE(pool.move(hop, free, writing));
        ASSERT_TRUE(pool.move(hop, writing, ready));
        offered.store(hop, std::memory_order_release);
        if (pool.move(hop, ready, free)) ++withdrawn;
        while (settled.load(std::memory_order_acquire) < hop) std::this_thread::yield();
    }
    worker.join();
    EXPECT_EQ(begun + withdrawn, kHops);
}

}  // namespace
}  // namespace sidetone::rt
