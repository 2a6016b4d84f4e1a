// SPDX-License-Identifier: Apache-2.0
#include "rt/waiter.hpp"

#include <algorithm>

#include "rt/clock.hpp"
#include "rt/prefetch.hpp"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>
#endif

namespace sidetone::rt {
namespace {

constexpr std::int64_t kLeastLeadNs = 0;  // waking itself takes some microseconds more
constexpr std::int64_t kMostLeadNs = 250'000;
// A step up for each early arrival and one of 1/8 down for each in time: at rest one in nine is early, whatever their
// distribution (Robbins and Monro, 1951, for a quantile).
constexpr std::int64_t kLeadStepNs = 10'000;
constexpr std::int64_t kLeadDecayNs = kLeadStepNs / 8;

#if defined(__linux__)
/// Sleeps while `word` holds `value`, until CLOCK_MONOTONIC reaches `until_ns`; may return sooner for no reason.
void futex_wait_until(std::atomic<std::uint32_t>& word, std::uint32_t value, std::int64_t until_ns) noexcept {
    const timespec until{.tv_sec = static_cast<std::time_t>(until_ns / 1'000'000'000),
                         .tv_nsec = static_cast<long>(until_ns % 1'000'000'000)};
    syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, value, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake(std::atomic<std::uint32_t>& word) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}
#else
// No futex with an absolute time: short sleeps, so that a wake is at most one of them late.
void futex_wait_until(std::atomic<std::uint32_t>& word, std::uint32_t value, std::int64_t until_ns) noexcept {
    constexpr std::int64_t kNapNs = 200'000;
    while (word.load(std::memory_order_acquire) == value) {
        const auto now = monotonic_ns();
        if (now >= until_ns) return;
        sleep_until_monotonic(std::min(until_ns, now + kNapNs));
    }
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

[[gnu::hot]] bool PredictiveWaiter::notify() noexcept {
    // No wake is lost (Dekker): here "count, then look whether it sleeps", there "say that it sleeps, then look at the
    // count". All four are sequentially consistent, so they have one order, and in it at least one side sees the other.
    // And should the worker get between its look and the kernel, the kernel compares the count once more.
    notified_.fetch_add(1, std::memory_order_seq_cst);
    const auto sleep = sleep_.look();
    if (sleep == SleepSign::kAwake) return false;
    // Of several notifications during one sleep, one pays for the system call.
    if (!sleep_.take_back(sleep)) return false;
    futex_wake(notified_);
    return true;
}

[[gnu::hot]] void PredictiveWaiter::expect(std::int64_t monotonic_due_ns) noexcept {
    prefetch_for_reading(&sleep_, sizeof sleep_);  // the worker wrote it last, and `notify` waits for it
    expected_ns_.store(monotonic_due_ns, std::memory_order_relaxed);
}

[[gnu::hot]] bool PredictiveWaiter::is_notified() const noexcept {
    return notified_.load(std::memory_order_acquire) != seen_;
}

[[gnu::hot]] bool PredictiveWaiter::is_due() noexcept {
    const auto count = notified_.load(std::memory_order_acquire);
    if (count == seen_) return stopped();
    seen_ = count;
    return true;
}

[[gnu::hot]] void PredictiveWaiter::wait(std::int64_t timeout_ns, std::int64_t spin_ns,
                                         const std::function<void(const Rehearsal&)>& rehearse) noexcept {
    const auto deadline_ns = monotonic_ns() + timeout_ns;
    bool has_slept = false;  // only work that a sleep ended before tells how early to get up
    auto spun_for_ns = std::int64_t{0};
    while (!is_due()) {
        const auto now = monotonic_ns();
        if (now >= deadline_ns) return;
        const auto expected_ns = expected_ns_.load(std::memory_order_relaxed);
        const auto wake_ns = expected_ns - lead_ns_ - rehearsal_ns_;
        if (now < wake_ns) {
            sleep_until(std::min(wake_ns, deadline_ns));
            has_slept = true;
            if (is_notified()) learn(Arrival::early);
        } else if (now < expected_ns + spin_ns && spun_for_ns != expected_ns) {
            // Once for each expectation: a block that does not come must not cost the core.
            spun_for_ns = expected_ns;
            if (rehearse) rehearse_with(rehearse);
            if (is_notified()) {  // in the middle of it: it should have got up earlier
                if (has_slept) learn(Arrival::early);
                continue;
            }
            spin_until(std::min({monotonic_ns() + spin_ns, expected_ns + spin_ns, deadline_ns}));
            if (is_notified() && has_slept) learn(Arrival::in_time);
        } else {
            sleep_until(deadline_ns);
            if (is_notified() && has_slept) learn(Arrival::late);
        }
    }
}

[[gnu::hot]] void PredictiveWaiter::learn(Arrival arrival) noexcept {
    switch (arrival) {
        case Arrival::early:
            lead_ns_ += kLeadStepNs;
            break;
        case Arrival::in_time:
            lead_ns_ -= kLeadDecayNs;
            break;
        // The spin ended too soon. Where arrivals scatter more than a spin lasts, this centres it on them.
        case Arrival::late:
            lead_ns_ -= kLeadStepNs;
            break;
    }
    lead_ns_ = std::clamp(lead_ns_, kLeastLeadNs, kMostLeadNs);
}

[[gnu::hot]] void PredictiveWaiter::rehearse_with(const std::function<void(const Rehearsal&)>& rehearse) noexcept {
    const auto begin_ns = monotonic_ns();
    rehearse({notified_, seen_, begin_ns + kMostRehearsalNs});
    const auto took_ns = std::min(monotonic_ns() - begin_ns, kMostRehearsalNs);
    if (is_notified()) return;  // one that the work cut short, or that did the work itself, says nothing
    // At rest one in nine takes longer, as above, in steps of its own size: one that was interrupted for long changes
    // little.
    const auto step_ns = rehearsal_ns_ / 16 + 500;
    if (took_ns > rehearsal_ns_) {
        rehearsal_ns_ = std::min(rehearsal_ns_ + step_ns, kMostRehearsalNs);
    } else {
        rehearsal_ns_ = std::max<std::int64_t>(rehearsal_ns_ - step_ns / 8, 0);
    }
}

void PredictiveWaiter::sleep_until(std::int64_t until_ns) noexcept {
    sleep_.lie_down();
    if (notified_.load(std::memory_order_seq_cst) == seen_) futex_wait_until(notified_, seen_, until_ns);
    sleep_.get_up();
}

[[gnu::hot]] void PredictiveWaiter::spin_until(std::int64_t until_ns) const noexcept {
    constexpr int kLooksPerClockRead = 16;
    while (monotonic_ns() < until_ns) {
        for (int i = 0; i < kLooksPerClockRead; ++i) {
            if (is_notified()) return;
            pause_core();
        }
    }
}

void PredictiveWaiter::stop() noexcept {
    stopped_.store(true, std::memory_order_relaxed);
    // Released with the count: whoever sees this count sees the stop.
    notified_.fetch_add(1, std::memory_order_seq_cst);
    futex_wake(notified_);
}

}  // namespace sidetone::rt
