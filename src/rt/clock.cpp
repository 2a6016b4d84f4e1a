// SPDX-License-Identifier: Apache-2.0
#include "rt/clock.hpp"

#include <cerrno>
#include <ctime>

#include <atomic>
#include <limits>
#include <mutex>

#include "rt/arena.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace sidetone::rt {
namespace {

__extension__ using Int128 = __int128;

#if defined(CLOCK_MONOTONIC_RAW)
constexpr clockid_t kSteadyRate = CLOCK_MONOTONIC_RAW;
#else
constexpr clockid_t kSteadyRate = CLOCK_MONOTONIC;
#endif

constexpr int kScaleShift = 32;

/// now = origin_ns + (counter - origin_ticks) * scale / 2^kScaleShift. At 10 MHz to 5 GHz the scale has at least
/// 29 significant bits: 2 ns an hour at worst.
struct CounterScale {
    std::uint64_t origin_ticks = 0;
    std::int64_t origin_ns = 0;
    std::int64_t scale = 0;
};

// What a stamp takes lies in one cache line.
struct alignas(kCacheLine) StampClock {
    CounterScale scale;
    bool uses_counter = false;
    std::atomic<bool> is_calibrated{false};
};

constinit StampClock stamp_clock;

std::int64_t read_clock_ns(clockid_t clock) noexcept {
    timespec time{};
    clock_gettime(clock, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// No fence around the reads: a stamp may slide by a few dozen instructions, far below what is measured with it.
#if defined(__x86_64__) || defined(__i386__)
bool has_invariant_counter() noexcept {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid(0x8000'0007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1U << 8)) != 0;
}
std::uint64_t read_counter() noexcept {
    return __rdtsc();
}
#elif defined(__aarch64__)
bool has_invariant_counter() noexcept {
    return true;
}
std::uint64_t read_counter() noexcept {
    std::uint64_t ticks;
    asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}
#else
bool has_invariant_counter() noexcept {
    return false;
}
std::uint64_t read_counter() noexcept {
    return 0;
}
#endif

struct PairedReading {
    std::uint64_t ticks = 0;
    std::int64_t ns = 0;
};

/// Counter and clock at one moment: of several clock reads between two counter reads, the one that took least.
PairedReading read_paired(clockid_t clock) noexcept {
    constexpr int kTries = 32;
    PairedReading best;
    auto best_window = std::numeric_limits<std::uint64_t>::max();
    for (int i = 0; i < kTries; ++i) {
        const auto before = read_counter();
        const auto ns = read_clock_ns(clock);
        const auto window = read_counter() - before;
        if (window >= best_window) continue;
        best_window = window;
        best = {.ticks = before + window / 2, .ns = ns};
    }
    return best;
}

std::int64_t measured_scale() noexcept {
#if defined(__aarch64__)
    std::uint64_t ticks_per_second;
    asm volatile("mrs %0, cntfrq_el0" : "=r"(ticks_per_second));
    if (ticks_per_second != 0) {
        return static_cast<std::int64_t>((Int128{1'000'000'000} << kScaleShift) /
                                         static_cast<Int128>(ticks_per_second));
    }
#endif
    const auto first = read_paired(kSteadyRate);
    sleep_until_monotonic(monotonic_ns() + 10'000'000);
    const auto second = read_paired(kSteadyRate);
    const auto ticks = static_cast<std::int64_t>(second.ticks - first.ticks);
    const auto ns = second.ns - first.ns;
    if (ticks <= 0 || ns <= 0) return 0;
    return static_cast<std::int64_t>((Int128{ns} << kScaleShift) / ticks);
}

void calibrate_once() noexcept {
    if (has_invariant_counter()) {
        stamp_clock.scale.scale = measured_scale();
        const auto origin = read_paired(CLOCK_MONOTONIC);
        stamp_clock.scale.origin_ticks = origin.ticks;
        stamp_clock.scale.origin_ns = origin.ns;
        stamp_clock.uses_counter = stamp_clock.scale.scale > 0;
    }
    stamp_clock.is_calibrated.store(true, std::memory_order_release);
}

}  // namespace

void calibrate_clock() noexcept {
    static std::once_flag once;
    std::call_once(once, calibrate_once);
}

[[gnu::hot]] std::int64_t now_ns() noexcept {
    if (!stamp_clock.is_calibrated.load(std::memory_order_acquire)) [[unlikely]]
        calibrate_clock();
    if (!stamp_clock.uses_counter) return read_clock_ns(kSteadyRate);
    // Signed: another core's counter may stand a few ticks before the origin.
    const auto ticks = static_cast<std::int64_t>(read_counter() - stamp_clock.scale.origin_ticks);
    return stamp_clock.scale.origin_ns +
           static_cast<std::int64_t>((Int128{ticks} * stamp_clock.scale.scale) >> kScaleShift);
}

std::int64_t monotonic_ns() noexcept {
    return read_clock_ns(CLOCK_MONOTONIC);
}

std::int64_t thread_cpu_ns() noexcept {
    return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

std::int64_t process_cpu_ns() noexcept {
    return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

const char* stamp_clock_name() noexcept {
    calibrate_clock();
    return stamp_clock.uses_counter ? "tsc" : "monotonic";
}

void sleep_until_monotonic(std::int64_t due_ns) noexcept {
#if defined(__linux__)
    const timespec due{.tv_sec = static_cast<std::time_t>(due_ns / 1'000'000'000),
                       .tv_nsec = static_cast<long>(due_ns % 1'000'000'000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr) == EINTR) {
    }
#else
    for (auto left = due_ns - monotonic_ns(); left > 0; left = due_ns - monotonic_ns()) {
        const timespec span{.tv_sec = static_cast<std::time_t>(left / 1'000'000'000),
                            .tv_nsec = static_cast<long>(left % 1'000'000'000)};
        nanosleep(&span, nullptr);
    }
#endif
}

}  // namespace sidetone::rt
