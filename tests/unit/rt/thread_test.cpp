// SPDX-License-Identifier: Apache-2.0
#include "rt/thread.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "rt/clock.hpp"
#include "unit/rt/without_rights.hpp"

namespace sidetone::rt {
namespace {

using testing::HasSubstr;
using testing::Matches;

/// A denormal result and a denormal input, computed at run time.
float denormal_product() {
    volatile float small = 1e-30F;
    volatile float smaller = 1e-10F;
    return small * smaller;
}
float normal_from_denormal() {
    volatile float denormal = 1e-40F;
    volatile float large = 1e20F;
    return denormal * large;
}

TEST(ScopedFlushDenormals, FlushesResultsAndInputsAndRestores) {
    EXPECT_GT(denormal_product(), 0);
    EXPECT_GT(normal_from_denormal(), 0);
    {
        const ScopedFlushDenormals outer;
        {
            const ScopedFlushDenormals inner;
            EXPECT_EQ(denormal_product(), 0);
        }
        EXPECT_EQ(denormal_product(), 0);
        EXPECT_EQ(normal_from_denormal(), 0);
    }
    EXPECT_GT(denormal_product(), 0);
}

TEST(RealtimeThread, IsSetUpBeforeItsBodyRuns) {
    int kernel_id = 0;
    int policy = -1;
    sched_param parameters{};
    char name[32] = {};
    float product = 1;
    RealtimeThread thread({.name = "a-name-of-more-than-15", .priority = 42, .core = {}}, [&] {
        kernel_id = this_thread_kernel_id();
        pthread_getschedparam(pthread_self(), &policy, &parameters);
        pthread_getname_np(pthread_self(), name, sizeof name);
        product = denormal_product();
    });
    const int kernel_id_of_thread = thread.kernel_id();
    thread.join();
    EXPECT_FALSE(thread.joinable());
    EXPECT_EQ(kernel_id, kernel_id_of_thread);
    EXPECT_NE(kernel_id, this_thread_kernel_id());
    EXPECT_STREQ(name, "a-name-of-more-");
    EXPECT_EQ(product, 0);
    EXPECT_EQ(policy == SCHED_FIFO, thread.is_realtime());
    if (may_use_realtime_priority()) {
        EXPECT_EQ(parameters.sched_priority, 42);
        EXPECT_EQ(thread.warning(), "");
    }
}

TEST(RealtimeThread, PriorityZeroIsOrdinaryEvenWhenMadeByARealtimeThread) {
    std::atomic<int> policy{-1};
    std::string warning = "unset";
    RealtimeThread maker({.priority = 10, .core = {}}, [&] {
        RealtimeThread ordinary({.priority = 0, .core = {}}, [&] { policy = sched_getscheduler(0); });
        warning = ordinary.warning();
    });
    maker.join();
    EXPECT_EQ(policy, SCHED_OTHER);
    EXPECT_EQ(warning, "");
}

TEST(RealtimeThread, WithoutTheRightItRunsOnAndSaysSo) {
    EXPECT_TRUE(holds_without_rights({.realtime_priority = 0, .locked_bytes = 0}, [] {
        bool has_run = false;
        RealtimeThread thread({.priority = 70, .core = {}}, [&] { has_run = true; });
        thread.join();
        return has_run && !thread.is_realtime() &&
               Matches(HasSubstr("cannot use real-time priority 70 (limit 0): blocks may come late under load; "
                                 "raise it with: "))(thread.warning()) &&
               Matches(HasSubstr("sidetone doctor"))(thread.warning()) && !may_use_realtime_priority();
    }));
}

TEST(RealtimeThread, TakesTheHighestPriorityThatItsLimitAllows) {
    constexpr Limits limits{.realtime_priority = 10, .locked_bytes = 0};
    if (!holds_without_rights(limits, may_use_realtime_priority)) GTEST_SKIP() << "such a limit cannot be set here";
    EXPECT_TRUE(holds_without_rights(limits, [] {
        sched_param parameters{};
        RealtimeThread thread({.priority = 70, .core = {}}, [&] { sched_getparam(0, &parameters); });
        thread.join();
        return thread.is_realtime() && parameters.sched_priority == 10 &&
               Matches(HasSubstr("(limit 10)"))(thread.warning());
    }));
}

TEST(RealtimeThread, RunsOnTheCoreItIsPinnedTo) {
    const auto cores = allowed_cores();
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    ASSERT_EQ(cores.size(), static_cast<std::size_t>(CPU_COUNT(&allowed)));
    for (const int core : cores) {
        cpu_set_t found;
        CPU_ZERO(&found);
        RealtimeThread({.priority = 0, .core = core}, [&] { sched_getaffinity(0, sizeof found, &found); }).join();
        EXPECT_EQ(CPU_COUNT(&found), 1);
        EXPECT_TRUE(CPU_ISSET(static_cast<unsigned>(core), &found));
    }
}

TEST(RealtimeThread, ACoreThatDoesNotExistIsAWarning) {
    for (const int core : {-1, 1000, 1'000'000}) {
        bool has_run = false;
        RealtimeThread thread({.priority = 0, .core = core}, [&] { has_run = true; });
        thread.join();
        EXPECT_TRUE(has_run);
        EXPECT_THAT(thread.warning(), HasSubstr("cannot pin to core " + std::to_string(core)));
    }
}

TEST(RealtimeThread, MovingJoinsTheOneBefore) {
    std::atomic<int> ended{0};
    const auto body = [&] {
        sleep_until_monotonic(monotonic_ns() + 2'000'000);
        ++ended;
    };
    RealtimeThread thread({.priority = 0, .core = {}}, body);
    thread = RealtimeThread({.priority = 0, .core = {}}, body);
    EXPECT_GE(ended, 1);
    thread.join();
    EXPECT_EQ(ended, 2);
    EXPECT_FALSE(RealtimeThread{}.joinable());
}

constexpr std::size_t kPage = 4096;

template <std::size_t kBytes>
[[gnu::noinline]] void use_stack() {
    unsigned char stack[kBytes];
    for (std::size_t at = 0; at < kBytes; at += kPage) stack[at] = 1;
    asm volatile("" : : "r"(stack) : "memory");
}

TEST(RealtimeThread, StackDoesNotFaultOnceTheBodyRuns) {
#if defined(SIDETONE_SANITIZED)
    GTEST_SKIP() << "the sanitizer's shadow faults in the stack's place";
#endif
    ThreadPressure before;
    ThreadPressure after;
    RealtimeThread({.priority = 0, .core = {}, .stack_prefault = 512 * 1024}, [&] {
        const int self = this_thread_kernel_id();
        before = thread_pressure(self);
        before = thread_pressure(self);
        use_stack<384 * 1024>();
        after = thread_pressure(self);
    }).join();
    EXPECT_LE(after.minor_faults - before.minor_faults, 8U);  // 96 pages without prefault
}

TEST(ThreadPressure, CountsPageFaultsWhateverTheThreadIsCalled) {
    constexpr std::size_t kPages = 256;
    ThreadPressure before;
    ThreadPressure after;
    RealtimeThread({.name = "a) R 1 (b", .priority = 0, .core = {}}, [&] {
        const int self = this_thread_kernel_id();
        void* fresh = mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(fresh, kPages * kPage, MADV_NOHUGEPAGE);
        before = thread_pressure(self);
        for (std::size_t i = 0; i < kPages; ++i) static_cast<volatile char*>(fresh)[i * kPage] = 1;
        after = thread_pressure(self);
        munmap(fresh, kPages * kPage);
    }).join();
    EXPECT_GE(after.minor_faults - before.minor_faults, kPages);
#if !defined(SIDETONE_SANITIZED)  // whose shadow memory faults as well
    EXPECT_LT(after.minor_faults - before.minor_faults, 2 * kPages);
#endif
    EXPECT_GE(after.run_delay_ns, before.run_delay_ns);
}

TEST(ThreadPressure, SeesThatAThreadHadToShareItsCore) {
    // Two busy threads on one core: each must be pushed off it and wait for it.
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int core = 0;
    while (!CPU_ISSET(static_cast<unsigned>(core), &allowed)) ++core;
    ThreadPressure pressure[2];
    const auto work = [](ThreadPressure& found) {
        const auto end = monotonic_ns() + 150'000'000;
        while (monotonic_ns() < end) {
        }
        found = thread_pressure(this_thread_kernel_id());
    };
    RealtimeThread first({.priority = 0, .core = core}, [&] { work(pressure[0]); });
    RealtimeThread second({.priority = 0, .core = core}, [&] { work(pressure[1]); });
    first.join();
    second.join();
    EXPECT_GT(pressure[0].involuntary_switches + pressure[1].involuntary_switches, 0U);
    EXPECT_GT(pressure[0].run_delay_ns + pressure[1].run_delay_ns, 10'000'000U);
}

TEST(ThreadPressure, AThreadThatDoesNotExistIsAllZero) {
    const auto pressure = thread_pressure(-1);
    EXPECT_EQ(pressure.minor_faults, 0U);
    EXPECT_EQ(pressure.run_delay_ns, 0U);
}

TEST(StolenTime, NeverGoesBack) {
    const auto first = stolen_ns();
    EXPECT_GE(stolen_ns(), first);
    EXPECT_EQ(first % 1'000'000, 0U);  // whole clock ticks
}

}  // namespace
}  // namespace sidetone::rt
