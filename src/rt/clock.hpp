// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "rt/realtime.hpp"

namespace sidetone::rt {

/// Nanoseconds of the stamp clock: the processor's time-stamp counter where it is invariant (scaled once, at
/// the first call of `calibrate_clock`), CLOCK_MONOTONIC_RAW elsewhere. For durations and stamps; about 10 ns a
/// call. Its origin is CLOCK_MONOTONIC's at calibration, but the two may drift apart by some ppm: schedule with
/// `monotonic_ns`.
[[nodiscard]] std::int64_t now_ns() noexcept SIDETONE_REALTIME;

/// Nanoseconds of CLOCK_MONOTONIC, the clock that absolute waits are made against (vDSO; no system call).
[[nodiscard]] std::int64_t monotonic_ns() noexcept SIDETONE_REALTIME;

/// Processor time consumed by this thread / this process, in nanoseconds. A system call: never on the audio thread.
[[nodiscard]] std::int64_t thread_cpu_ns() noexcept;
[[nodiscard]] std::int64_t process_cpu_ns() noexcept;

/// Measures the counter's rate (about 10 ms, once per process; later calls return at once). Call it before real
/// time starts; `now_ns` calls it if nobody has.
void calibrate_clock() noexcept;

/// "tsc" or "monotonic": which clock stamps.
[[nodiscard]] const char* stamp_clock_name() noexcept;

/// Sleeps until CLOCK_MONOTONIC reaches `due_ns` (absolute, restarts after signals).
void sleep_until_monotonic(std::int64_t due_ns) noexcept;

}  // namespace sidetone::rt
