// SPDX-License-Identifier: Apache-2.0
#include "rt/clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>
#include <thread>

namespace sidetone::rt {
namespace {

std::int64_t raw_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC_RAW, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// now_ns() less `reference()`: the tightest of many tries, so that being interrupted between the two does not show.
template <class Reference>
double offset_ns(Reference reference) {
    auto tightest = std::numeric_limits<std::int64_t>::max();
    double offset = 0;
    for (int i = 0; i < 200; ++i) {
        const auto before = reference();
        const auto now = now_ns();
        const auto after = reference();
        if (after - before >= tightest) continue;
        tightest = after - before;
        offset = static_cast<double>(now - before) - static_cast<double>(after - before) / 2;
    }
    return offset;
}

TEST(Clock, StampsRunAtTheRateOfTheRawClock) {
    calibrate_clock();
    const auto begin = raw_ns();
    const auto first = offset_ns(raw_ns);
    sleep_until_monotonic(monotonic_ns() + 100'000'000);
    const auto drift_ns = std::abs(offset_ns(raw_ns) - first);
    EXPECT_LT(drift_ns / static_cast<double>(raw_ns() - begin), 100e-6);
}

TEST(Clock, StampsBeginAtTheMonotonicClock) {
    calibrate_clock();
    // Within 500 ppm (the most that clock discipline may add) of the time since calibration, at most a test run.
    EXPECT_LT(std::abs(offset_ns(monotonic_ns)), 500e-6 * 60e9);
}

TEST(Clock, StampsNeverGoBackWithinAThread) {
    auto last = now_ns();
    for (int i = 0; i < 200'000; ++i) {
        const auto now = now_ns();
        ASSERT_GE(now, last);
        last = now;
    }
}

TEST(Clock, StampsNeverGoBackBetweenThreads) {
    // Each thread stamps after it has seen the other's stamp. Cores' counters may differ by some ticks, not by more.
    constexpr std::int64_t kMostSkewNs = 1'000;
    constexpr int kTurns = 2'000;
    std::atomic<std::int64_t> stamp{now_ns()};
    std::atomic<int> turn{0};
    std::atomic<int> backward{0};
    const auto play = [&](int parity) {
        for (int i = parity; i < kTurns; i += 2) {
            while (turn.load(std::memory_order_acquire) != i) std::this_thread::yield();
            const auto now = now_ns();
            if (now < stamp.load(std::memory_order_relaxed) - kMostSkewNs) ++backward;
            stamp.store(now, std::memory_order_relaxed);
            turn.store(i + 1, std::memory_order_release);
        }
    };
    std::thread other(play, 1);
    play(0);
    other.join();
    EXPECT_EQ(backward, 0);
}

TEST(Clock, SleepNeverEndsEarly) {
    for (const std::int64_t span_ns : {0, 1'000, 300'000, 2'000'000}) {
        const auto due = monotonic_ns() + span_ns;
        sleep_until_monotonic(due);
        EXPECT_GE(monotonic_ns(), due);
    }
    sleep_until_monotonic(0);
}

TEST(Clock, ProcessorTimeStandsStillWhileAsleep) {
    const auto thread_begin = thread_cpu_ns();
    const auto process_begin = process_cpu_ns();
    sleep_until_monotonic(monotonic_ns() + 50'000'000);
    EXPECT_LT(thread_cpu_ns() - thread_begin, 25'000'000);
    const auto work_begin = thread_cpu_ns();
    while (thread_cpu_ns() - work_begin < 2'000'000) {
    }
    EXPECT_GE(process_cpu_ns() - process_begin, 2'000'000);
}

TEST(Clock, NamesTheClockThatStamps) {
    const std::string name = stamp_clock_name();
    EXPECT_TRUE(name == "tsc" || name == "monotonic") << name;
}

}  // namespace
}  // namespace sidetone::rt
