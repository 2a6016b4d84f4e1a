// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
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

/// What jobs that take `job_ns` when nothing interrupts them would have taken in these watches, begun every `every_ns`
/// wherever the thread ran. No job on that thread of that machine can do better: it is the floor of its percentiles.
void record_stretched(std::span<const Watch> watches, std::int64_t job_ns, std::int64_t every_ns, Histogram& taken);

}  // namespace sidetone::rt
