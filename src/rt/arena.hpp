// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <type_traits>

#include "rt/mapping.hpp"

namespace sidetone::rt {

inline constexpr std::size_t kCacheLine = 64;

/// One mapping, locked in memory and touched when it is made, that hands out aligned pieces and takes none back:
/// what lives on the audio thread is allocated here, before real time starts. Pieces are zeroed.
///
/// Control thread only. Where the right to lock memory is missing the arena works unlocked and `lock_warning`
/// says what to do about it.
class Arena {
public:
    /// Throws std::bad_alloc when the address space is exhausted.
    explicit Arena(std::size_t bytes);
    ~Arena() = default;
    Arena(Arena&&) noexcept;
    Arena& operator=(Arena&&) noexcept;

    /// `count` value-initialised elements, aligned to `alignment` (a power of two, at least alignof(T)). Throws
    /// std::bad_alloc when the arena is full. Destructors are not run: trivially destructible types only.
    template <class T>
    [[nodiscard]] std::span<T> allocate(std::size_t count, std::size_t alignment = kCacheLine);

    [[nodiscard]] std::size_t used_bytes() const noexcept { return used_; }
    [[nodiscard]] std::size_t capacity_bytes() const noexcept { return memory_.bytes(); }
    [[nodiscard]] bool is_locked() const noexcept { return locked_; }

    /// Empty when locked; else one line: how much could not be locked, the limit found, the command that raises it.
    [[nodiscard]] const std::string& lock_warning() const noexcept { return lock_warning_; }

private:
    [[nodiscard]] void* allocate_bytes(std::size_t bytes, std::size_t alignment);

    Mapping memory_;
    std::size_t used_ = 0;
    bool locked_ = false;
    std::string lock_warning_;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class T>
std::span<T> Arena::allocate(std::size_t count, std::size_t alignment) {
    static_assert(std::is_trivially_destructible_v<T>, "the arena runs no destructors");
    constexpr std::size_t kBytes = sizeof(T);  // NOLINT(bugprone-sizeof-expression): T may be a pointer
    if (count > memory_.bytes() / kBytes) throw std::bad_alloc{};
    auto* first = static_cast<T*>(allocate_bytes(count * kBytes, alignment < alignof(T) ? alignof(T) : alignment));
    for (std::size_t i = 0; i < count; ++i) new (first + i) T{};
    return {first, count};
}

}  // namespace sidetone::rt
