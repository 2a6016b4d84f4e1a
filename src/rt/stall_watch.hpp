// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rt/histogram.hpp"

namespace sidetone::rt {

/// A time in which a processor ran nobody that could be told of (stamp clock).
struct Stall {
    std::int64_t from_ns = 0, to_ns = 0;
};

/// Finds out when the machine itself stands still: a hypervisor that runs another guest need not say so, and a kernel
/// that is not preemptible finishes first what it does for others. On every processor a thread of the highest priority
/// gets up each millisecond; no program can keep it from that, so when it comes late the processor was not there, for
/// any program. Costs some 0.5 % of each processor.
class StallWatch {
public:
    static constexpr std::int64_t kPeriodNs = 1'000'000;
    static constexpr std::int64_t kLeastNs = 300'000;  // a timer alone is late by tens of microseconds

    /// Starts watching; threads up to `watched_priority` (SCHED_FIFO) cannot keep it from that. Null where it would be
    /// no use: `why` then says what that takes.
    [[nodiscard]] static std::unique_ptr<StallWatch> start_or_say(int watched_priority, std::string& why);

    /// Starts watching. Where real-time priority is refused, `is_watching` is false and nothing is ever found.
    StallWatch();
    ~StallWatch();
    StallWatch(const StallWatch&) = delete;
    StallWatch& operator=(const StallWatch&) = delete;

    [[nodiscard]] bool is_watching() const noexcept { return priority() > 0; }
    /// The lowest that a processor's thread was granted; 0 where one was refused, or processors are not known. A thread
    /// that is not below it passes for a stall.
    [[nodiscard]] int priority() const noexcept;

    /// One control thread. How long the processor that was worst off stood still between two moments, at the most: up
    /// to a period more than was seen, for it may have begun right after its thread last got up. 0 when nothing was
    /// seen. What is older than a minute is forgotten.
    [[nodiscard]] std::int64_t most_stalled_ns(std::int64_t from_ns, std::int64_t to_ns);

    /// The same thread. Since watching began, all processors.
    [[nodiscard]] std::uint64_t stalls();
    [[nodiscard]] std::int64_t longest_ns();
    /// The same thread. Fetches what was seen, as all of these do: only so much of it waits to be fetched, and what is
    /// too much is forgotten. To be called now and then where nobody asks for anything.
    void collect();

private:
    class Watcher;

    std::vector<std::unique_ptr<Watcher>> watchers_;  // one a processor
    std::vector<std::deque<Stall>> recent_;
    std::uint64_t stalls_ = 0;
    std::int64_t longest_ns_ = 0;
};

/// For how long, at the most, a processor stood still between two moments of the stamp clock, in ns
/// (StallWatch::most_stalled_ns).
using StallFinder = std::function<std::int64_t(std::int64_t from_ns, std::int64_t to_ns)>;

/// Asks `watch`, which must live as long; empty where there is none.
[[nodiscard]] StallFinder stall_finder(StallWatch* watch);

/// What excuses something that came late: that the machine stood still for `least_ns` of the `within_ns` before.
struct StallExcuse {
    std::int64_t within_ns = 0, least_ns = 1;

    /// A callback that ended `since_due_ns` after it was due: all by which that is more than a period.
    [[nodiscard]] static StallExcuse of_overrun(std::int64_t since_due_ns, std::int64_t period_ns) noexcept {
        return {.within_ns = since_due_ns, .least_ns = since_due_ns - period_ns};
    }
    /// Sound that the card skipped: half of it.
    [[nodiscard]] static StallExcuse of_lost(std::int64_t lost_ns, std::int64_t period_ns) noexcept {
        return {.within_ns = lost_ns + 2 * period_ns, .least_ns = lost_ns / 2};
    }
};

/// Whether that excuses what came late at `at_ns` (stamp clock).
[[nodiscard]] bool is_excused(std::int64_t at_ns, const StallExcuse& excuse, const StallFinder& stalls);

/// When something ran (stamp clock).
struct TimedRun {
    std::int64_t start_ns = 0, took_ns = 0;
};

/// Records the times of those runs during which no processor stood still, whatever time they took.
void record_unstalled(std::span<const TimedRun> runs, const StallFinder& stalls, Histogram& times);

/// For each watched processor's stalls what StallWatch::most_stalled_ns says.
[[nodiscard]] std::int64_t most_stalled_ns(const std::deque<Stall>& stalls, std::int64_t from_ns,
                                           std::int64_t to_ns) noexcept;

}  // namespace sidetone::rt
