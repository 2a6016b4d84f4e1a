// SPDX-License-Identifier: Apache-2.0
#include "rt/single_writer_single_reader_ring.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <random>
#include <thread>

namespace sidetone::rt {
namespace {

TEST(SingleWriterSingleReaderRing, CapacityIsRoundedUpToAPowerOfTwo) {
    for (const auto& [asked, held] : {std::pair{0, 1}, {1, 1}, {2, 2}, {3, 4}, {100, 128}}) {
        Arena arena(1 << 16);
        SingleWriterSingleReaderRing<int> ring(arena, static_cast<std::size_t>(asked));
        int pushed = 0;
        while (ring.try_push(pushed)) ++pushed;
        EXPECT_EQ(pushed, held);
    }
}

TEST(SingleWriterSingleReaderRing, EmptyLeavesTheElementAsItWas) {
    Arena arena(1 << 16);
    SingleWriterSingleReaderRing<int> ring(arena, 4);
    int element = 42;
    EXPECT_FALSE(ring.try_pop(element));
    EXPECT_EQ(element, 42);
}

TEST(SingleWriterSingleReaderRing, BehavesAsABoundedQueue) {
    Arena arena(1 << 16);
    SingleWriterSingleReaderRing<int> ring(arena, 8);
    std::deque<int> reference;
    std::mt19937 random(6);
    for (int i = 0; i < 100'000; ++i) {
        if (random() % 2 == 0) {
            const bool has_room = reference.size() < 8;
            ASSERT_EQ(ring.try_push(i), has_room);
            if (has_room) reference.push_back(i);
        } else {
            int element = -1;
            ASSERT_EQ(ring.try_pop(element), !reference.empty());
            if (reference.empty()) continue;
            ASSERT_EQ(element, reference.front());
            reference.pop_front();
        }
    }
}

TEST(SingleWriterSingleReaderRing, NothingIsLostTornOrReorderedBetweenTwoThreads) {
    struct Element {
        std::uint64_t number, inverse, triple;
    };
    constexpr std::uint64_t kElements = 200'000;
    Arena arena(1 << 16);
    SingleWriterSingleReaderRing<Element> ring(arena, 16);
    std::thread writer([&] {
        for (std::uint64_t i = 0; i < kElements; ++i) {
            while (!ring.try_push({i, ~i, 3 * i})) std::this_thread::yield();
        }
    });
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i < kElements; ++i) {
        Element element{};
        while (!ring.try_pop(element)) std::this_thread::yield();
        if (element.number != i || element.inverse != ~i || element.triple != 3 * i) ++wrong;
    }
    writer.join();
    EXPECT_EQ(wrong, 0U);
    Element element{};
    EXPECT_FALSE(ring.try_pop(element));
}

}  // namespace
}  // namespace sidetone::rt
