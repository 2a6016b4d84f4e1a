// SPDX-License-Identifier: Apache-2.0
#include "rt/arena.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstring>
#include <utility>

namespace sidetone::rt {
namespace {

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

}  // namespace

Arena::Arena(std::size_t bytes) : memory_(bytes) {
    locked_ = mlock(memory_.data(), memory_.bytes()) == 0;
    if (!locked_) lock_warning_ = lock_warning_for(memory_.bytes());
    // Locking does not promise pages that are writable without a fault; writing does.
    std::memset(memory_.data(), 0, memory_.bytes());
}

Arena::Arena(Arena&& other) noexcept
    : memory_(std::move(other.memory_)),
      used_(std::exchange(other.used_, 0)),
      locked_(std::exchange(other.locked_, false)),
      lock_warning_(std::move(other.lock_warning_)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(used_, other.used_);
    std::swap(locked_, other.locked_);
    lock_warning_.swap(other.lock_warning_);
    return *this;
}

void* Arena::allocate_bytes(std::size_t bytes, std::size_t alignment) {
    const auto free_at = reinterpret_cast<std::uintptr_t>(memory_.data()) + used_;
    const std::size_t padding = (alignment - free_at % alignment) % alignment;
    const std::size_t left = memory_.bytes() - used_;
    if (padding > left || bytes > left - padding) throw std::bad_alloc{};
    void* piece = memory_.data() + used_ + padding;
    used_ += padding + bytes;
    return piece;
}

}  // namespace sidetone::rt
