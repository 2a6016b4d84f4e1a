// SPDX-License-Identifier: Apache-2.0
#include "nn/native/program_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sidetone::nn::native {
namespace {

constexpr std::size_t kCacheLine = 64;
// Programs that are smaller do not take a whole huge page.
constexpr std::size_t kHugeFrom = rt::kHugePage / 4;

thread_local ProgramMemory* g_current = nullptr;

std::size_t piece_for(std::size_t bytes) {
    if (bytes < kHugeFrom) return bytes;
    if (bytes > SIZE_MAX - rt::kHugePage) throw std::bad_alloc{};
    return (bytes + rt::kHugePage - 1) / rt::kHugePage * rt::kHugePage;
}

}  // namespace

ProgramMemory::ProgramMemory(std::size_t expected_bytes) {
    pieces_.emplace_back(piece_for(expected_bytes));
}

void* ProgramMemory::allocate(std::size_t bytes) {
    if (bytes > SIZE_MAX - kCacheLine) throw std::bad_alloc{};
    const auto whole = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    if (whole > pieces_.back().bytes() - used_) {
        pieces_.emplace_back(piece_for(std::max(whole, pieces_.front().bytes() / 4)));
        used_ = 0;
    }
    return pieces_.back().data() + std::exchange(used_, used_ + whole);
}

ProgramMemory::Scope::Scope(ProgramMemory& memory) noexcept : before_(std::exchange(g_current, &memory)) {}

ProgramMemory::Scope::~Scope() {
    g_current = before_;
}

ProgramMemory* ProgramMemory::current() noexcept {
    return g_current;
}

}  // namespace sidetone::nn::native
