// SPDX-License-Identifier: Apache-2.0
#include "rt/waiter.hpp"

#include <algorithm>
#include <cmath>

#include "rt/clock.hpp"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>
#endif

namespace sidetone::rt {
namespace {

constexpr double kLeastMarginNs = 20'000;
constexpr double kMostMarginNs = 250'000;

#if defined(__linux__)
/// Sleeps while `word` holds `value`, until CLOCK_MONOTONIC reaches `until_ns`. True when it slept until then.
bool futex_wait_until(std::atomic<std::uint32_t>& word, std::uint32_t value, std::int64_t until_ns) noexcept {
    const timespec until{.tv_sec = static_cast<std::time_t>(until_ns / 1'000'000'000),
                         .tv_nsec = static_cast<long>(until_ns % 1'000'000'000)};
    return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, value, &until, nullptr, FUTEX_BITSET_MATCH_ANY) == -1 &&
           errno == ETIMEDOUT;
}

void futex_wake(std::atomic<std::uint32_t>& word) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}
#else
// No futex with an absolute time: short sleeps, so that a wake is at most one of them late.
bool futex_wait_until(std::atomic<std::uint32_t>& word, std::uint32_t value, std::int64_t until_ns) noexcept {
    constexpr std::int64_t kNapNs = 200'000;
    while (word.load(std::memory_order_acquire) == value) {
        const auto now = monotonic_ns();
        if (now >= until_ns) return true;
        sleep_until_monotonic(std::min(until_ns, now + kNapNs));
    }
    return false;
}

void futex_wake(std::atomic<std::uint32_t>&) noexcept {}
#endif

void pause_core() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb");
#endif
}

}  // namespace

bool PredictiveWaiter::notify() noexcept {
    // No wake is lost (Dekker): here "count, then look whether it sleeps", there "say that it sleeps, then look at the
    // count". All four are sequentially consistent, so they have one order, and in it at least one side sees the other.
    // And should the worker get between its look and the kernel, the kernel compares the count once more.
    notified_.fetch_add(1, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) == 0) return false;
    // Of several notifications during one sleep, one pays for the system call.
    if (sleeping_.exchange(0, std::memory_order_relaxed) == 0) return false;
    futex_wake(notified_);
    return true;
}

void PredictiveWaiter::expect(std::int64_t monotonic_due_ns) noexcept {
    expected_ns_.store(monotonic_due_ns, std::memory_order_relaxed);
}

bool PredictiveWaiter::is_due() noexcept {
    const auto count = notified_.load(std::memory_order_acquire);
    if (count == seen_) return stopped();
    seen_ = count;
    return true;
}

void PredictiveWaiter::wait(std::int64_t timeout_ns, std::int64_t spin_ns) noexcept {
    const auto deadline_ns = monotonic_ns() + timeout_ns;
    auto spun_for_ns = std::int64_t{0};
    while (!is_due()) {
        const auto now = monotonic_ns();
        if (now >= deadline_ns) return;
        const auto expected_ns = expected_ns_.load(std::memory_order_relaxed);
        const auto wake_ns = expected_ns - margin_ns(spin_ns);
        if (now < wake_ns) {
            sleep_until(std::min(wake_ns, deadline_ns));
        } else if (now < expected_ns + spin_ns && spun_for_ns != expected_ns) {
            // Once for each expectation: a block that does not come must not cost the core.
            spun_for_ns = expected_ns;
            if (spin_until(std::min({now + spin_ns, expected_ns + spin_ns, deadline_ns}))) return;
        } else {
            sleep_until(deadline_ns);
        }
    }
}

std::int64_t PredictiveWaiter::margin_ns(std::int64_t spin_ns) const noexcept {
    // Awake by the expected moment nearly always, yet never so early that the spin would mostly lie before it.
    const double early_ns = std::min(2 * wake_spread_ns_, static_cast<double>(spin_ns) / 2);
    return static_cast<std::int64_t>(std::clamp(wake_lateness_ns_ + early_ns, kLeastMarginNs, kMostMarginNs));
}

void PredictiveWaiter::sleep_until(std::int64_t until_ns) noexcept {
    sleeping_.store(1, std::memory_order_seq_cst);
    const bool is_idle = notified_.load(std::memory_order_seq_cst) == seen_;
    const bool slept_through = is_idle && futex_wait_until(notified_, seen_, until_ns);
    sleeping_.store(0, std::memory_order_relaxed);
    if (slept_through) learn_lateness(monotonic_ns() - until_ns);
}

void PredictiveWaiter::learn_lateness(std::int64_t lateness_ns) noexcept {
    // Stalls of the machine are no property of the timer: one counts as 500 us at most.
    const double lateness = std::clamp(static_cast<double>(lateness_ns), 0.0, 2 * kMostMarginNs);
    constexpr double kWeight = 1.0 / 16;
    wake_spread_ns_ += kWeight * (std::abs(lateness - wake_lateness_ns_) - wake_spread_ns_);
    wake_lateness_ns_ += kWeight * (lateness - wake_lateness_ns_);
}

bool PredictiveWaiter::spin_until(std::int64_t until_ns) noexcept {
    constexpr int kLooksPerClockRead = 16;
    while (monotonic_ns() < until_ns) {
        for (int i = 0; i < kLooksPerClockRead; ++i) {
            if (is_due()) return true;
            pause_core();
        }
    }
    return false;
}

void PredictiveWaiter::stop() noexcept {
    stopped_.store(true, std::memory_order_relaxed);
    // Released with the count: whoever sees this count sees the stop.
    notified_.fetch_add(1, std::memory_order_seq_cst);
    futex_wake(notified_);
}

}  // namespace sidetone::rt
