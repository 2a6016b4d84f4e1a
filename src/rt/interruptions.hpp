// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "rt/histogram.hpp"

namespace sidetone::rt {

/// A stretch of time in which a thread that never rests did not run: an interrupt, another thread, another guest of the
/// hypervisor. Nanoseconds of the stamp clock.
struct Interruption {
    std::int64_t began_ns = 0, length_ns = 0;
};

/// A stretch of time in which a thread watched, and what interrupted it, in order.
struct Watch {
    std::int64_t began_ns = 0, end_ns = 0;
    std::vector<Interruption> interruptions;
};

/// Reads the clock without rest on the calling thread, and returns where two readings lay `least_ns` or more apart. No
/// system call meanwhile; memory for `most` interruptions is taken before, and the watch ends when that is full.
[[nodiscard]] Watch watch_interruptions(std::int64_t for_ns, std::int64_t least_ns, std::size_t most);

/// Interruptions that come at even distances: a kernel's clock.
struct Rhythm {
    std::int64_t period_ns = 0;
    std::uint64_t count = 0;     ///< that kept to it, of all watches
    double kept = 0;             ///< share of those that were due
    std::int64_t median_ns = 0;  ///< how long they took
    std::int64_t p90_ns = 0;     ///< nine in ten took no longer
};

/// Of the periods that kernels' clocks have (1000, 500, 300, 250 and 100 a second) the shortest of whose beats three in
/// four bring an interruption; none where there is no such. Watches may lie at any distance, for each of them is looked
/// at by itself; they should be of several periods.
[[nodiscard]] std::optional<Rhythm> clock_tick_of(std::span<const Watch> watches);

/// What jobs that take `job_ns` when nothing interrupts them would have taken in these watches, begun every `every_ns`
/// wherever the thread ran. No job on that thread of that machine can do better: it is the floor of its percentiles.
void record_stretched(std::span<const Watch> watches, std::int64_t job_ns, std::int64_t every_ns, Histogram& taken);

}  // namespace sidetone::rt
