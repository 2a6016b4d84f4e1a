// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <span>
#include <type_traits>

#include "rt/arena.hpp"
#include "rt/prefetch.hpp"
#include "rt/realtime.hpp"

namespace sidetone::rt {

/// Queue between exactly one writing and one reading thread; both sides are wait-free.
///
/// Capacity is rounded up to a power of two. Each side keeps a cached copy of the other's index, so the
/// shared cache line is touched only when the cached view runs out (Erik Rigtorp, 2021).
template <class T>
class SingleWriterSingleReaderRing {
    static_assert(std::is_trivially_copyable_v<T>, "elements are copied without running code");
    static_assert(std::atomic<std::size_t>::is_always_lock_free);

public:
    /// Storage comes from `arena`, before real time starts. Throws std::bad_alloc when it is full.
    SingleWriterSingleReaderRing(Arena& arena, std::size_t capacity);

    /// Writer thread only. False when full: the element is not stored, nothing is overwritten.
    [[nodiscard]] bool try_push(const T& element) noexcept SIDETONE_REALTIME;

    /// Writer thread only: sends for what `try_push` will touch and the reader may have had last.
    void prefetch_push() const noexcept SIDETONE_REALTIME { prefetch_for_writing(&written_, sizeof written_); }

    /// Reader thread only. False when empty; `element` is then left as it was.
    [[nodiscard]] bool try_pop(T& element) noexcept SIDETONE_REALTIME;

private:
    std::span<T> slots_;
    alignas(kCacheLine) std::atomic<std::size_t> written_{0};
    alignas(kCacheLine) std::size_t read_seen_by_writer_{0};
    alignas(kCacheLine) std::atomic<std::size_t> read_{0};
    alignas(kCacheLine) std::size_t written_seen_by_reader_{0};
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class T>
SingleWriterSingleReaderRing<T>::SingleWriterSingleReaderRing(Arena& arena, std::size_t capacity)
    : slots_(arena.allocate<T>(std::bit_ceil(std::max<std::size_t>(capacity, 1)))) {}

template <class T>
bool SingleWriterSingleReaderRing<T>::try_push(const T& element) noexcept {
    const auto written = written_.load(std::memory_order_relaxed);
    if (written - read_seen_by_writer_ == slots_.size()) {
        read_seen_by_writer_ = read_.load(std::memory_order_acquire);
        if (written - read_seen_by_writer_ == slots_.size()) return false;
    }
    slots_[written & (slots_.size() - 1)] = element;
    written_.store(written + 1, std::memory_order_release);
    return true;
}

template <class T>
bool SingleWriterSingleReaderRing<T>::try_pop(T& element) noexcept {
    const auto read = read_.load(std::memory_order_relaxed);
    if (read == written_seen_by_reader_) {
        written_seen_by_reader_ = written_.load(std::memory_order_acquire);
        if (read == written_seen_by_reader_) return false;
    }
    element = slots_[read & (slots_.size() - 1)];
    read_.store(read + 1, std::memory_order_release);
    return true;
}

}  // namespace sidetone::rt
