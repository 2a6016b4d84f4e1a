// SPDX-License-Identifier: Apache-2.0
#include "rt/mapping.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <span>
#include <utility>

namespace sidetone::rt {
namespace {

TEST(Mapping, IsZeroedAndWritableToItsEnd) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, 2 * kHugePage + 5000}) {
        const Mapping mapping(bytes);
        ASSERT_GE(mapping.bytes(), std::max<std::size_t>(bytes, 1));
        const std::span all(mapping.data(), mapping.bytes());
        EXPECT_TRUE(std::ranges::all_of(all, [](std::byte byte) { return byte == std::byte{0}; }));
        std::ranges::fill(all, std::byte{1});
    }
}

TEST(Mapping, BeginsWithAHugePageWhereOneFits) {
    for (int i = 0; i < 4; ++i) {
        const Mapping mapping(kHugePage + static_cast<std::size_t>(i) * 4096);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mapping.data()) % kHugePage, 0U);
    }
}

TEST(Mapping, MovesAsAWhole) {
    Mapping first(100);
    auto* data = first.data();
    Mapping second(std::move(first));
    EXPECT_EQ(second.data(), data);
    Mapping third(5000);
    third = std::move(second);
    EXPECT_EQ(third.data(), data);
}

TEST(Mapping, OfTooMuchThrows) {
    EXPECT_THROW(Mapping{std::numeric_limits<std::size_t>::max()}, std::bad_alloc);
    EXPECT_THROW(Mapping{std::numeric_limits<std::size_t>::max() / 2}, std::bad_alloc);
}

}  // namespace
}  // namespace sidetone::rt
