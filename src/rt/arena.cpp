// SPDX-License-Identifier: Apache-2.0
#include "rt/arena.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace sidetone::rt {
namespace {

constexpr std::size_t kHugePage = 2 * 1024 * 1024;

std::string lock_limit_text() {
    rlimit limit{};
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return "unknown";
    if (limit.rlim_cur == RLIM_INFINITY) return "none";
    return std::to_string(limit.rlim_cur / 1024) + " KiB";
}

std::string lock_warning_for(std::size_t bytes) {
    return "cannot lock " + std::to_string((bytes + 1023) / 1024) + " KiB of memory (limit " + lock_limit_text() +
           "): page faults may click; raise it with: sudo prlimit --pid $$ --memlock=unlimited (see `sidetone doctor`)";
}

std::byte* map(std::size_t bytes) {
    void* mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc{};
    return static_cast<std::byte*>(mapping);
}

/// A mapping that begins where a huge page does, and asks for such pages: a walk through many megabytes then takes a
/// tenth less time.
std::byte* map_hugely(std::size_t bytes) {
    if (bytes > SIZE_MAX - kHugePage) throw std::bad_alloc{};
    std::byte* whole = map(bytes + kHugePage);
    const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(whole) % kHugePage) % kHugePage;
    if (before > 0) munmap(whole, before);
    munmap(whole + before + bytes, kHugePage - before);
    madvise(whole + before, bytes, MADV_HUGEPAGE);
    return whole + before;
}

}  // namespace

Arena::Arena(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    if (bytes > SIZE_MAX - page) throw std::bad_alloc{};
    capacity_ = (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
    base_ = capacity_ >= kHugePage ? map_hugely(capacity_) : map(capacity_);
    locked_ = mlock(base_, capacity_) == 0;
    if (!locked_) lock_warning_ = lock_warning_for(capacity_);
    // Locking does not promise pages that are writable without a fault; writing does.
    std::memset(base_, 0, capacity_);
}

Arena::~Arena() {
    if (base_ != nullptr) munmap(base_, capacity_);
}

Arena::Arena(Arena&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      used_(std::exchange(other.used_, 0)),
      locked_(std::exchange(other.locked_, false)),
      lock_warning_(std::move(other.lock_warning_)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(capacity_, other.capacity_);
    std::swap(used_, other.used_);
    std::swap(locked_, other.locked_);
    lock_warning_.swap(other.lock_warning_);
    return *this;
}

void* Arena::allocate_bytes(std::size_t bytes, std::size_t alignment) {
    const auto free_at = reinterpret_cast<std::uintptr_t>(base_) + used_;
    const std::size_t padding = (alignment - free_at % alignment) % alignment;
    const std::size_t left = capacity_ - used_;
    if (padding > left || bytes > left - padding) throw std::bad_alloc{};
    void* piece = base_ + used_ + padding;
    used_ += padding + bytes;
    return piece;
}

}  // namespace sidetone::rt
