// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "rt/realtime.hpp"

namespace sidetone::device {

/// Keeps one audio thread out while a control thread rebuilds what it uses. The audio thread never waits: it is told
/// that the gate is closed and plays silence. Starts closed.
class ProcessGate {
    static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

public:
    /// Audio thread. False: closed, touch nothing. True: go on, and call `leave` when done.
    [[nodiscard]] bool try_enter() noexcept SIDETONE_REALTIME {
        std::uint32_t expected = kOpen;
        return state_.compare_exchange_strong(expected, kInside, std::memory_order_acquire, std::memory_order_relaxed);
    }
    void leave() noexcept SIDETONE_REALTIME { state_.fetch_and(~kInside, std::memory_order_release); }

    /// Control thread: returns once the audio thread is out; it stays out until `open`. May be called when closed
    /// already.
    void close() noexcept {
        state_.fetch_or(kClosed, std::memory_order_acq_rel);
        while ((state_.load(std::memory_order_acquire) & kInside) != 0) std::this_thread::yield();
    }
    /// Control thread: what was written before is seen by the audio thread when it enters.
    void open() noexcept { state_.fetch_and(~kClosed, std::memory_order_release); }

private:
    static constexpr std::uint32_t kOpen = 0, kInside = 1, kClosed = 2;
    std::atomic<std::uint32_t> state_{kClosed};
};

}  // namespace sidetone::device
