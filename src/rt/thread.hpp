// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sidetone::rt {

struct ThreadSettings {
    std::string name = "sidetone";            ///< at most 15 characters, as the kernel shows it
    int priority = 70;                        ///< SCHED_FIFO, 1 to 99; 0: ordinary scheduling
    std::optional<int> core;                  ///< pinned to this core, when given
    std::size_t stack_prefault = 256 * 1024;  ///< bytes of stack touched before the body runs
};

/// A thread fit for real time: scheduling, affinity, stack touched, denormals off — all done before its body starts.
/// The constructor returns when that is so; `warning` then says what could not be had (once; the thread runs on).
/// Joins on destruction: tell the body to end before.
class RealtimeThread {
public:
    RealtimeThread() = default;
    RealtimeThread(const ThreadSettings& settings, std::function<void()> body);
    ~RealtimeThread();
    RealtimeThread(RealtimeThread&&) noexcept = default;
    RealtimeThread& operator=(RealtimeThread&&) noexcept;

    void join();
    [[nodiscard]] bool joinable() const noexcept { return thread_.joinable(); }
    /// Kernel thread id, 0 where unknown; for /proc/self/task.
    [[nodiscard]] int kernel_id() const noexcept { return kernel_id_; }
    /// True when SCHED_FIFO was granted; `priority` then says which, maybe a lower one than was asked for. Else it is
    /// 0.
    [[nodiscard]] bool is_realtime() const noexcept { return priority_ > 0; }
    [[nodiscard]] int priority() const noexcept { return priority_; }
    /// Empty, or one line: what was refused and the command that mends it.
    [[nodiscard]] const std::string& warning() const noexcept { return warning_; }

private:
    std::thread thread_;
    int kernel_id_ = 0;
    int priority_ = 0;
    std::string warning_;
};

/// The cores that this process may run on; none where the system does not tell.
[[nodiscard]] std::vector<int> allowed_cores();

/// The calling thread's kernel id (gettid). A system call.
[[nodiscard]] int this_thread_kernel_id() noexcept;

/// The calling thread, of ordinary scheduling, gives way to all others of this kind (nice 10). Where the system has
/// that for processes only, nothing happens.
void run_below_others() noexcept;

/// Whether this process may use SCHED_FIFO, found by trying on a short-lived thread.
[[nodiscard]] bool may_use_realtime_priority() noexcept;

/// While alive, denormal results and inputs are zero on this thread (MXCSR FTZ and DAZ; FPCR FZ on ARM).
class ScopedFlushDenormals {
public:
    ScopedFlushDenormals() noexcept;
    ~ScopedFlushDenormals();
    ScopedFlushDenormals(const ScopedFlushDenormals&) = delete;
    ScopedFlushDenormals& operator=(const ScopedFlushDenormals&) = delete;

private:
    std::uint64_t outer_;
};

/// What the scheduler did to one thread so far, read from /proc; for finding why a block was missed. Not for the audio
/// thread.
struct ThreadPressure {
    std::uint64_t involuntary_switches = 0;
    std::uint64_t run_delay_ns = 0;  ///< time spent runnable but not running (schedstat)
    std::uint64_t minor_faults = 0;
    std::uint64_t major_faults = 0;
};
[[nodiscard]] ThreadPressure thread_pressure(int kernel_id) noexcept;

/// Time the hypervisor took from this machine's processors, all cores, in nanoseconds (/proc/stat "steal").
[[nodiscard]] std::uint64_t stolen_ns() noexcept;

}  // namespace sidetone::rt
