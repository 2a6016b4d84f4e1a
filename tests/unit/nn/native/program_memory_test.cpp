// SPDX-License-Identifier: Apache-2.0
#include "nn/native/program_memory.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace sidetone::nn::native {
namespace {

// Also more than was expected, for which there is another piece.
TEST(ProgramMemory, PiecesStartOnCacheLinesAndDoNotMeet) {
    std::mt19937 random{2};
    for (const std::size_t expected : {std::size_t{0}, std::size_t{10000}, std::size_t{3} << 20}) {
        ProgramMemory memory{expected};
        std::vector<std::pair<unsigned char*, std::size_t>> pieces;
        for (unsigned char i = 0; i < 200; ++i) {
            const std::size_t bytes = random() % (i % 50 == 0 ? 3U << 20 : 5000U);
            auto* piece = static_cast<unsigned char*>(memory.allocate(bytes));
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % 64, 0U);
            std::memset(piece, i, bytes);
            pieces.emplace_back(piece, bytes);
        }
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            const auto [piece, bytes] = pieces[i];
            for (std::size_t at = 0; at < bytes; ++at) ASSERT_EQ(piece[at], i);
        }
    }
}

TEST(ProgramMemory, NeighboursAreNeighbours) {
    ProgramMemory memory{1 << 20};
    const auto* first = static_cast<std::byte*>(memory.allocate(100));
    const auto* second = static_cast<std::byte*>(memory.allocate(100));
    EXPECT_GE(second, first + 128);
    EXPECT_LE(second, first + 256);  // AddressSanitizer's red zones are between
}

TEST(ProgramVector, IsCopiedIntoTheMemoryWhoseScopeItIsIn) {
    ProgramMemory memory{1 << 20};
    const ProgramVector<int> made{1, 2, 3};
    EXPECT_EQ(ProgramVector<int>(made).get_allocator().memory, nullptr);
    ProgramVector<int> kept;
    {
        const ProgramMemory::Scope scope{memory};
        auto copy = made;
        EXPECT_EQ(copy.get_allocator().memory, &memory);
        EXPECT_EQ(copy, made);
        {
            ProgramMemory inner{100};
            const ProgramMemory::Scope inner_scope{inner};
            EXPECT_EQ(ProgramVector<int>(made).get_allocator().memory, &inner);
        }
        EXPECT_EQ(ProgramMemory::current(), &memory);
        const auto* data = copy.data();
        kept = std::move(copy);
        EXPECT_EQ(kept.data(), data);  // moved without a copy
    }
    EXPECT_EQ(ProgramMemory::current(), nullptr);
    EXPECT_EQ(ProgramVector<int>(kept).get_allocator().memory, nullptr);
}

}  // namespace
}  // namespace sidetone::nn::native
