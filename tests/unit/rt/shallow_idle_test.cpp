// SPDX-License-Identifier: Apache-2.0
#include "rt/shallow_idle.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <optional>

namespace sidetone::rt {
namespace {

// The strictest request that any program on this machine has at the moment.
std::int32_t requested_us() {
    std::int32_t us = -1;
    std::ifstream{"/dev/cpu_dma_latency", std::ios::binary}.read(reinterpret_cast<char*>(&us), sizeof us);
    return us;
}

TEST(ShallowIdle, IsRequestedForAsLongAsOneLives) {
    if (!idle_depth().may_request) GTEST_SKIP() << "no right to /dev/cpu_dma_latency";
    const auto before = requested_us();
    {
        std::optional<ShallowIdle> first{std::in_place};
        const ShallowIdle second;
        EXPECT_TRUE(first->is_held());
        EXPECT_TRUE(second.is_held());
        EXPECT_GE(requested_us(), 0);
        EXPECT_LE(requested_us(), 2);
        first.reset();
        EXPECT_LE(requested_us(), 2);
    }
    // Another program, a live test of ours beside this one, may have one of its own.
    EXPECT_TRUE(requested_us() == before || requested_us() <= 2) << before << " before, now " << requested_us();
}

TEST(ShallowIdle, IsHeldJustWhereTheRightIsThere) {
    EXPECT_EQ(ShallowIdle{}.is_held(), idle_depth().may_request);
}

}  // namespace
}  // namespace sidetone::rt
