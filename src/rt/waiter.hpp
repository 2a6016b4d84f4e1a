// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "rt/arena.hpp"
#include "rt/realtime.hpp"
#include "rt/rehearsal.hpp"

namespace sidetone::rt {

/// Whether a worker sleeps, for those that may have to wake it. Each sleep has a number: who saw one and is held up can
/// take back only that one, and not the sleep after it, which the next notification has to end.
class SleepSign {
    static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

public:
    static constexpr std::uint32_t kAwake = 0;

    /// Worker: before it looks for work a last time, and when it is up again.
    void lie_down() noexcept {
        if (++sleeps_ == kAwake) ++sleeps_;
        sleep_.store(sleeps_, std::memory_order_seq_cst);
    }
    void get_up() noexcept { sleep_.store(kAwake, std::memory_order_relaxed); }

    /// Any thread: the number of the sleep that the worker is in, or `kAwake`.
    [[nodiscard]] std::uint32_t look() const noexcept { return sleep_.load(std::memory_order_seq_cst); }
    /// Any thread: takes that sleep back; true for the one caller that is to wake the worker.
    [[nodiscard]] bool take_back(std::uint32_t sleep) noexcept {
        return sleep_.compare_exchange_strong(sleep, kAwake, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint32_t> sleep_{kAwake};
    std::uint32_t sleeps_ = 0;  // the worker's
};

/// How one worker waits for an audio thread without costing it a system call: the worker sleeps until just before the
/// moment at which work is expected, spins for a bounded time, and only when that was in vain goes to sleep for good.
/// The audio thread wakes it (one futex call) only if it sleeps.
///
/// How long before that moment it gets up is learned: the kernel's lateness, a constant error of the prediction and its
/// jitter all show as work that came while it still slept, and are made up for until that happens to one block in nine.
class PredictiveWaiter {
    static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

public:
    /// Audio thread: work has been published (before this call, with release order). Returns true when it had to wake.
    bool notify() noexcept SIDETONE_REALTIME;

    /// Audio thread: the next work is expected at this CLOCK_MONOTONIC moment. Call it before `notify` of the present
    /// one.
    void expect(std::int64_t monotonic_due_ns) noexcept SIDETONE_REALTIME;

    /// Worker: returns when `notify` has been called since the last return (at once if it was before), or at the
    /// latest after `timeout_ns`. Spins at most `spin_ns` at a stretch.
    ///
    /// `rehearse` is called before it spins for expected work (rt/rehearsal.hpp). The worker gets up earlier by as long
    /// as that mostly takes, and it is over after `kMostRehearsalNs`.
    void wait(std::int64_t timeout_ns, std::int64_t spin_ns,
              const std::function<void(const Rehearsal&)>& rehearse = {}) noexcept;
    static constexpr std::int64_t kMostRehearsalNs = 500'000;

    /// Any thread: `wait` returns, now and whenever it is called.
    void stop() noexcept;
    [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

    /// Worker: how long before the expected moment it now has itself woken, and how much longer for a rehearsal.
    [[nodiscard]] std::int64_t lead_ns() const noexcept { return lead_ns_; }
    [[nodiscard]] std::int64_t rehearsal_ns() const noexcept { return rehearsal_ns_; }

private:
    /// How work came, seen from the sleep and the spin that were to catch it.
    enum class Arrival { early, in_time, late };

    [[nodiscard]] bool is_notified() const noexcept;
    [[nodiscard]] bool is_due() noexcept;
    void spin_until(std::int64_t until_ns) const noexcept;
    void sleep_until(std::int64_t until_ns) noexcept;
    void learn(Arrival arrival) noexcept;
    void rehearse_with(const std::function<void(const Rehearsal&)>& rehearse) noexcept;

    // Published by the audio thread: on a line of its own what the worker looks at all the time while it spins.
    alignas(kCacheLine) std::atomic<std::uint32_t> notified_{0};  // count of notifications; the futex word
    alignas(kCacheLine) std::atomic<std::int64_t> expected_ns_{0};
    // Published by the worker, and taken back by whoever wakes it.
    alignas(kCacheLine) SleepSign sleep_;
    // The worker's own.
    alignas(kCacheLine) std::uint32_t seen_ = 0;
    std::int64_t lead_ns_ = 100'000;  // how long before the expected moment the kernel is asked to wake us
    std::int64_t rehearsal_ns_ = 0;   // how long one takes
    std::atomic<bool> stopped_{false};
};

}  // namespace sidetone::rt
