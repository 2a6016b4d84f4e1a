// SPDX-License-Identifier: Apache-2.0
#include "rt/prefetch.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>

namespace sidetone::rt {
namespace {

constexpr std::size_t kPage = 4096;

TEST(Prefetch, PassesTheEndOfWhatMayBeTouchedUnharmed) {
    auto* pages = static_cast<unsigned char*>(
        mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(pages, MAP_FAILED);
    ASSERT_EQ(mprotect(pages + kPage, kPage, PROT_NONE), 0);
    pages[kPage - 1] = 7;
    prefetch_for_reading(pages + kPage - 1, kPage);
    prefetch_for_writing(pages + kPage - 1, kPage);
    EXPECT_EQ(pages[kPage - 1], 7);
    munmap(pages, 2 * kPage);
}

}  // namespace
}  // namespace sidetone::rt
