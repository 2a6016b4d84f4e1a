// SPDX-License-Identifier: Apache-2.0
#include "rt/mirrored_ring.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <new>
#include <random>
#include <utility>
#include <vector>

namespace sidetone::rt {
namespace {

TEST(MirroredRing, CapacityIsWholePagesAndAMultiple) {
    for (const std::size_t wanted : {1U, 480U, 1024U, 1025U, 48'000U}) {
        for (const std::size_t multiple_of : {1U, 48U, 128U, 441U, 480U}) {
            const MirroredRing ring(wanted, multiple_of);
            EXPECT_GE(ring.capacity(), wanted);
            EXPECT_EQ(ring.capacity() % multiple_of, 0U);
            EXPECT_EQ(ring.capacity() * sizeof(float) % 4096, 0U);
        }
    }
}

TEST(MirroredRing, BothHalvesAreTheSameMemory) {
    MirroredRing ring(1);
    float* begin = ring.at(0);
    const auto capacity = ring.capacity();
    begin[capacity + 3] = 5;
    EXPECT_EQ(begin[3], 5);
    begin[capacity - 1] = 6;
    EXPECT_EQ(begin[2 * capacity - 1], 6);
}

TEST(MirroredRing, BeginsZeroedAndClears) {
    MirroredRing ring(2'000);
    const auto is_zero = [](float x) { return x == 0; };
    EXPECT_TRUE(std::all_of(ring.at(0), ring.at(0) + ring.capacity(), is_zero));
    std::fill_n(ring.at(7), ring.capacity(), 1.0F);
    ring.clear();
    EXPECT_TRUE(std::all_of(ring.at(0), ring.at(0) + ring.capacity(), is_zero));
}

TEST(MirroredRing, TheLastSamplesAreContiguousAtEveryPosition) {
    MirroredRing ring(1'000, 48);
    const auto capacity = ring.capacity();
    std::mt19937 random(5);
    std::vector<float> written;
    while (written.size() < 20 * capacity) {
        const auto block = std::uniform_int_distribution<std::size_t>(1, 700)(random);
        float* into = ring.at(written.size());
        for (std::size_t i = 0; i < block; ++i) {
            into[i] = std::uniform_real_distribution<float>(-1, 1)(random);
            written.push_back(into[i]);
        }
        const auto length = std::uniform_int_distribution<std::size_t>(1, std::min(written.size(), capacity))(random);
        const float* window = ring.last(written.size(), length);
        ASSERT_TRUE(std::equal(window, window + length, written.end() - static_cast<std::ptrdiff_t>(length)));
    }
}

TEST(MirroredRing, MovingKeepsTheSamples) {
    MirroredRing first(10);
    *first.at(3) = 4;
    const auto capacity = first.capacity();
    MirroredRing second(std::move(first));
    EXPECT_EQ(*second.at(3 + capacity), 4);
    MirroredRing third(5'000);
    third = std::move(second);
    EXPECT_EQ(third.capacity(), capacity);
    EXPECT_EQ(*third.at(3), 4);
}

TEST(MirroredRing, ThrowsWhenThereIsNoRoomInTheAddressSpace) {
    EXPECT_THROW(MirroredRing{std::numeric_limits<std::size_t>::max() / 32}, std::bad_alloc);
    EXPECT_THROW(MirroredRing{std::numeric_limits<std::size_t>::max()}, std::bad_alloc);
}

}  // namespace
}  // namespace sidetone::rt
