// SPDX-License-Identifier: Apache-2.0
#include "nn/native/program_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

#include "rt/arena.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define SIDETONE_HAS_REDZONES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIDETONE_HAS_REDZONES 1
#endif
#endif
#ifdef SIDETONE_HAS_REDZONES
#include <sanitizer/asan_interface.h>
#endif

namespace sidetone::nn::native {
namespace {

using rt::kCacheLine;

// Programs that are smaller do not take a whole huge page.
constexpr std::size_t kHugeFrom = rt::kHugePage / 4;

// AddressSanitizer sees who leaves a piece only where something lies between them that is nobody's.
#ifdef SIDETONE_HAS_REDZONES
constexpr std::size_t kRedzone = kCacheLine;
void forbid(const void* at, std::size_t bytes) noexcept {
    __asan_poison_memory_region(at, bytes);
}
void allow(const void* at, std::size_t bytes) noexcept {
    __asan_unpoison_memory_region(at, bytes);
}
#else
constexpr std::size_t kRedzone = 0;
void forbid(const void* /*at*/, std::size_t /*bytes*/) noexcept {}
void allow(const void* /*at*/, std::size_t /*bytes*/) noexcept {}
#endif

thread_local ProgramMemory* g_current = nullptr;

std::size_t piece_for(std::size_t bytes) {
    if (bytes < kHugeFrom) return bytes;
    if (bytes > SIZE_MAX - rt::kHugePage) throw std::bad_alloc{};
    return (bytes + rt::kHugePage - 1) / rt::kHugePage * rt::kHugePage;
}

}  // namespace

ProgramMemory::ProgramMemory(std::size_t expected_bytes) {
    add_piece(expected_bytes);
}

ProgramMemory::~ProgramMemory() {
    for (const auto& piece : pieces_) allow(piece.data(), piece.bytes());
}

void ProgramMemory::add_piece(std::size_t bytes) {
    const auto& piece = pieces_.emplace_back(piece_for(bytes));
    forbid(piece.data(), piece.bytes());
    used_ = 0;
}

void* ProgramMemory::allocate(std::size_t bytes) {
    if (bytes > SIZE_MAX - 2 * kCacheLine) throw std::bad_alloc{};
    const auto whole = (bytes + kRedzone + kCacheLine - 1) / kCacheLine * kCacheLine;
    if (whole > pieces_.back().bytes() - used_) add_piece(std::max(whole, pieces_.front().bytes() / 4));
    auto* at = pieces_.back().data() + std::exchange(used_, used_ + whole);
    allow(at, bytes);
    return at;
}

ProgramMemory::Scope::Scope(ProgramMemory& memory) noexcept : before_(std::exchange(g_current, &memory)) {}

ProgramMemory::Scope::~Scope() {
    g_current = before_;
}

ProgramMemory* ProgramMemory::current() noexcept {
    return g_current;
}

}  // namespace sidetone::nn::native
