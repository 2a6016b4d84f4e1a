// SPDX-License-Identifier: Apache-2.0
#include "stage/hop_exchange.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>

namespace sidetone::stage {
namespace {

constexpr HopExchange::Shape kShape{.channels = 2, .hop = 128, .window = 512, .hops_per_block = 1};

struct HopExchangeTest : testing::Test {
    rt::Arena arena{HopExchange::arena_bytes(kShape)};
    HopExchange exchange{arena, kShape};

    void write(std::int64_t hop) {
        ASSERT_TRUE(exchange.claim(hop));
        for (std::uint32_t c = 0; c < kShape.channels; ++c) {
            for (std::uint32_t i = 0; i < kShape.hop; ++i) exchange.input(c, hop * kShape.hop)[i] = value(c, hop, i);
        }
        exchange.submit(hop, 1, 2);
    }
    static float value(std::uint32_t channel, std::int64_t hop, std::uint32_t i) {
        return static_cast<float>(channel * 1'000'000 + static_cast<std::uint32_t>(hop) * kShape.hop + i);
    }
};

TEST_F(HopExchangeTest, WindowIsTheLastSamplesWithSilenceBeforeTheStart) {
    write(0);
    std::int64_t hop = -1;
    ASSERT_TRUE(exchange.next(hop));
    EXPECT_EQ(hop, 0);
    const float* window = exchange.window(1, 0);
    for (int i = 0; i < 384; ++i) ASSERT_EQ(window[i], 0);
    for (std::uint32_t i = 0; i < 128; ++i) ASSERT_EQ(window[384 + i], value(1, 0, i));
}

TEST_F(HopExchangeTest, ResultIsReadInPlaceOnce) {
    write(0);
    EXPECT_FALSE(exchange.take_result(0));
    std::int64_t hop = -1;
    ASSERT_TRUE(exchange.next(hop));
    exchange.result_memory(0, 0)[5] = 42;
    EXPECT_FALSE(exchange.take_result(0));
    exchange.finish(0, true);
    ASSERT_TRUE(exchange.take_result(0));
    EXPECT_EQ(exchange.result(0, 0)[5], 42);
    exchange.release(0);
    EXPECT_FALSE(exchange.take_result(0));
}

TEST_F(HopExchangeTest, FailedResultIsNotTaken) {
    write(0);
    std::int64_t hop = -1;
    ASSERT_TRUE(exchange.next(hop));
    exchange.finish(0, false);
    EXPECT_FALSE(exchange.take_result(0));
    EXPECT_TRUE(exchange.failed(0));
}

TEST_F(HopExchangeTest, AWorkerThatStandsStillNeverHasItsWindowOverwritten) {
    write(0);
    std::int64_t running = -1;
    ASSERT_TRUE(exchange.next(running));  // … and hangs
    std::int64_t hop = 1;
    for (; exchange.claim(hop); ++hop) exchange.submit(hop, 1, 2);
    EXPECT_GE(hop, 4) << "less in flight than the shape promises";
    EXPECT_LT(hop, static_cast<std::int64_t>(exchange.slots()));
    for (std::uint32_t i = 0; i < 128; ++i) ASSERT_EQ(exchange.window(0, 0)[384 + i], value(0, 0, i));
}

TEST_F(HopExchangeTest, RecoversAfterHopsWereLost) {
    std::int64_t hop = 0;
    for (; exchange.claim(hop); ++hop) exchange.submit(hop, 1, 2);
    const auto lost_until = hop + 3 * static_cast<std::int64_t>(exchange.slots());
    std::int64_t running = -1;
    while (exchange.next(running)) exchange.finish(running, true);
    EXPECT_TRUE(exchange.claim(lost_until));
    exchange.submit(lost_until, 1, 2);
    ASSERT_TRUE(exchange.next(running));
    EXPECT_EQ(running, lost_until);
}

TEST_F(HopExchangeTest, HopsAbandonedLongAgoAreSkipped) {
    for (std::int64_t hop = 0; hop < 5; ++hop) write(hop);
    exchange.abandon_before(5);
    std::int64_t hop = -1;
    ASSERT_TRUE(exchange.next(hop));
    EXPECT_EQ(hop, 3);
}

// The audio thread writes, drops and reads at random; the worker checks every sample of every window. Run under the
// thread sanitizer.
TEST_F(HopExchangeTest, TwoThreadsNeverSeeAWrongSample) {
    constexpr std::uint64_t kTaken = 500;
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> wrong{0}, wrong_before{0}, wrong_result{0}, ran{0};
    std::thread worker{[&] {
        std::mt19937 random{3};
        std::int64_t hop = -1, before = -1;
        while (!done.load() || exchange.next(hop)) {
            if (hop == -1 && !exchange.next(hop)) {
                std::this_thread::yield();
                continue;
            }
            const bool whole = before == hop - 1;  // what lies further back may have been lost
            for (std::uint32_t i = 0; i < 128; ++i)
                wrong += exchange.window(0, hop)[384 + i] != value(0, hop, i) ? 1 : 0;
            if (whole && hop > 0) wrong_before += exchange.window(1, hop)[300] != value(1, hop - 1, 300 - 256) ? 1 : 0;
            for (std::uint32_t i = 0; i < 128; ++i) exchange.result_memory(0, hop)[i] = value(0, hop, i) + 1;
            if (random() % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds{200});
            exchange.finish(hop, true);
            before = hop;
            hop = -1;
            ++ran;
        }
    }};
    std::mt19937 random{4};
    std::uint64_t taken = 0;
    for (std::int64_t hop = 0; taken < kTaken; ++hop) {
        if (exchange.claim(hop)) {
            for (std::uint32_t c = 0; c < kShape.channels; ++c) {
                for (std::uint32_t i = 0; i < kShape.hop; ++i)
                    exchange.input(c, hop * kShape.hop)[i] = value(c, hop, i);
            }
            exchange.submit(hop, 1, 2);
        }
        const auto awaited = hop - 1;
        bool there = false;
        for (int patience = static_cast<int>(random() % 40); patience >= 0 && awaited >= 0 && !there; --patience) {
            there = exchange.take_result(awaited);
            if (!there) std::this_thread::yield();
        }
        if (there) {
            for (std::uint32_t i = 0; i < 128; ++i)
                wrong_result += exchange.result(0, awaited)[i] != value(0, awaited, i) + 1 ? 1 : 0;
            exchange.release(awaited);
            ++taken;
        }
        exchange.abandon_before(hop);
        exchange.reclaim_late(hop);
    }
    done = true;
    worker.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(wrong_before, 0U);
    EXPECT_EQ(wrong_result, 0U);
    EXPECT_GE(ran, taken);
    EXPECT_GE(taken, kTaken);
}

}  // namespace
}  // namespace sidetone::stage
