// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

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

    /// Starts watching. Where real-time priority is refused, `is_watching` is false and nothing is ever found.
    StallWatch();
    ~StallWatch();
    StallWatch(const StallWatch&) = delete;
    StallWatch& operator=(const StallWatch&) = delete;

    [[nodiscard]] bool is_watching() const noexcept;

    /// One control thread. How long the processor that was worst off stood still between two moments, at the most: up
    /// to a period more than was seen, for it may have begun right after its thread last got up. 0 when nothing was
    /// seen. What is older than a minute is forgotten.
    [[nodiscard]] std::int64_t most_stalled_ns(std::int64_t from_ns, std::int64_t to_ns);

    /// The same thread. Since watching began, all processors.
    [[nodiscard]] std::uint64_t stalls();
    [[nodiscard]] std::int64_t longest_ns();

private:
    class Watcher;
    void collect();

    std::vector<std::unique_ptr<Watcher>> watchers_;  // one a processor
    std::vector<std::deque<Stall>> recent_;
    std::uint64_t stalls_ = 0;
    std::int64_t longest_ns_ = 0;
};

/// For each watched processor's stalls what StallWatch::most_stalled_ns says.
[[nodiscard]] std::int64_t most_stalled_ns(const std::deque<Stall>& stalls, std::int64_t from_ns,
                                           std::int64_t to_ns) noexcept;

}  // namespace sidetone::rt
