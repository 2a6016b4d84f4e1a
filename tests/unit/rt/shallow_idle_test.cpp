// SPDX-License-Identifier: Apache-2.0
#include "rt/shallow_idle.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

namespace sidetone::rt {
namespace {

constexpr const char* kRequest = "/dev/cpu_dma_latency";

// The strictest request that any program on this machine has at the moment.
std::int32_t requested_us() {
    std::int32_t us = -1;
    std::ifstream{kRequest, std::ios::binary}.read(reinterpret_cast<char*>(&us), sizeof us);
    return us;
}

// Of this process: the kernel keeps a request for as long as its file is open.
int requests() {
    int count = 0;
    std::error_code none;
    for (const auto& file : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        if (std::filesystem::read_symlink(file.path(), none) == kRequest) ++count;
    }
    return count;
}

TEST(ShallowIdle, IsRequestedForAsLongAsOneLives) {
    if (!idle_depth().may_request) GTEST_SKIP() << "no right to " << kRequest;
    ASSERT_EQ(requests(), 0);
    {
        std::optional<ShallowIdle> first{std::in_place};
        const ShallowIdle second;
        EXPECT_TRUE(first->is_held());
        EXPECT_TRUE(second.is_held());
        EXPECT_EQ(requests(), 2);
        EXPECT_GE(requested_us(), 0);
        EXPECT_LE(requested_us(), 2);
        first.reset();
        EXPECT_EQ(requests(), 1);
        EXPECT_LE(requested_us(), 2);
    }
    EXPECT_EQ(requests(), 0);
}

}  // namespace
}  // namespace sidetone::rt
