// SPDX-License-Identifier: Apache-2.0
#include "rt/arena.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>

#include "unit/rt/without_rights.hpp"

namespace sidetone::rt {
namespace {

TEST(Arena, PiecesAreAlignedZeroedAndApart) {
    Arena arena(1 << 20);
    std::mt19937 random(1);
    std::byte* end_of_last = nullptr;
    for (int i = 0; i < 200; ++i) {
        const std::size_t alignment = std::size_t{1} << std::uniform_int_distribution(0, 12)(random);
        const auto count = std::uniform_int_distribution<std::size_t>(0, 300)(random);
        const auto piece = arena.allocate<double>(count, alignment);
        ASSERT_EQ(piece.size(), count);
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(piece.data()) % std::max(alignment, alignof(double)), 0U);
        ASSERT_TRUE(std::ranges::all_of(piece, [](double x) { return x == 0; }));
        auto* begin = reinterpret_cast<std::byte*>(piece.data());
        ASSERT_GE(begin, end_of_last);
        end_of_last = begin + piece.size_bytes();
        std::ranges::fill(piece, 1.0);
    }
}

TEST(Arena, CacheLinesAreTheDefaultAlignment) {
    Arena arena(4096);
    static_cast<void>(arena.allocate<char>(1));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.allocate<char>(1).data()) % kCacheLine, 0U);
    EXPECT_EQ(arena.used_bytes(), kCacheLine + 1);
}

TEST(Arena, ElementsAreValueInitialised) {
    struct Gain {
        float value = 1;
    };
    Arena arena(4096);
    for (const auto& gain : arena.allocate<Gain>(10)) EXPECT_EQ(gain.value, 1);
}

TEST(Arena, ThrowsWhenFullAndCanBeUsedOn) {
    Arena arena(1);
    const auto capacity = arena.capacity_bytes();
    EXPECT_THROW(static_cast<void>(arena.allocate<char>(capacity + 1)), std::bad_alloc);
    EXPECT_EQ(arena.allocate<char>(capacity - kCacheLine).size(), capacity - kCacheLine);
    EXPECT_THROW(static_cast<void>(arena.allocate<char>(kCacheLine + 1)), std::bad_alloc);
    EXPECT_EQ(arena.allocate<char>(kCacheLine).size(), kCacheLine);
    EXPECT_THROW(static_cast<void>(arena.allocate<char>(1)), std::bad_alloc);
}

TEST(Arena, CountsThatOverflowThrow) {
    Arena arena(4096);
    const volatile std::size_t unseen_by_the_compiler = std::numeric_limits<std::size_t>::max();
    const std::size_t most = unseen_by_the_compiler;
    EXPECT_THROW(static_cast<void>(arena.allocate<double>(most / sizeof(double) + 2)), std::bad_alloc);
    EXPECT_THROW(static_cast<void>(arena.allocate<char>(most)), std::bad_alloc);
    EXPECT_THROW(Arena{most}, std::bad_alloc);
}

TEST(Arena, MovingKeepsThePieces) {
    Arena first(4096);
    const auto piece = first.allocate<int>(4);
    piece[3] = 7;
    Arena second(std::move(first));
    EXPECT_EQ(piece[3], 7);
    EXPECT_EQ(second.used_bytes(), 4 * sizeof(int));
    Arena third(4096);
    third = std::move(second);
    EXPECT_EQ(piece[3], 7);
    EXPECT_EQ(third.used_bytes(), 4 * sizeof(int));
}

TEST(Arena, LockedOrToldWhyNot) {
    const Arena arena(4096);
    EXPECT_EQ(arena.is_locked(), arena.lock_warning().empty());
}

TEST(Arena, WithoutTheRightToLockItWorksAndNamesTheCommand) {
#if defined(SIDETONE_SANITIZED)
    GTEST_SKIP() << "sanitizers turn mlock into nothing";
#endif
    EXPECT_TRUE(holds_without_rights({.realtime_priority = 0, .locked_bytes = 64 * 1024}, [] {
        Arena arena(1 << 20);
        const auto piece = arena.allocate<char>(1 << 20);
        piece.back() = 1;
        return !arena.is_locked() &&
               testing::Matches(testing::StartsWith("cannot lock 1024 KiB of memory (limit 64 KiB): "))(
                   arena.lock_warning()) &&
               testing::Matches(testing::HasSubstr("--memlock=unlimited"))(arena.lock_warning());
    }));
}

}  // namespace
}  // namespace sidetone::rt
