// SPDX-License-Identifier: Apache-2.0
#include "rt/waiter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>

#include "rt/clock.hpp"
#include "rt/thread.hpp"

namespace sidetone::rt {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kForever = 60'000 * kMillisecond;
constexpr std::int64_t kSpin = kMillisecond / 10;

TEST(SleepSign, OneOfSeveralWakes) {
    SleepSign sign;
    EXPECT_EQ(sign.look(), SleepSign::kAwake);
    sign.lie_down();
    const auto first = sign.look();
    const auto second = sign.look();
    EXPECT_NE(first, SleepSign::kAwake);
    EXPECT_TRUE(sign.take_back(first));
    EXPECT_FALSE(sign.take_back(second));
    EXPECT_EQ(sign.look(), SleepSign::kAwake);
}

TEST(SleepSign, WhoWasHeldUpLeavesTheNextSleepAlone) {
    // A notifier saw the worker asleep and stood still, while the worker got up by itself, answered and lay down again:
    // a sleep that it marked as ended would be one from which no notification wakes.
    SleepSign sign;
    sign.lie_down();
    const auto seen = sign.look();
    sign.get_up();
    sign.lie_down();
    EXPECT_FALSE(sign.take_back(seen));
    EXPECT_NE(sign.look(), SleepSign::kAwake);
    EXPECT_TRUE(sign.take_back(sign.look()));
}

TEST(PredictiveWaiter, ReturnsAtOnceWhenNotifiedBefore) {
    PredictiveWaiter waiter;
    EXPECT_FALSE(waiter.notify());
    EXPECT_FALSE(waiter.notify());
    const auto begin = monotonic_ns();
    waiter.wait(kForever, kSpin);
    EXPECT_LT(monotonic_ns() - begin, kForever / 2);
}

TEST(PredictiveWaiter, ReturnsAfterTheTimeoutAndNotBefore) {
    PredictiveWaiter waiter;
    for (const std::int64_t due_in : {-5 * kMillisecond, kMillisecond / 2, 5 * kMillisecond}) {
        const auto begin = monotonic_ns();
        waiter.expect(begin + due_in);
        waiter.wait(2 * kMillisecond, kSpin);
        EXPECT_GE(monotonic_ns() - begin, 2 * kMillisecond);
    }
}

TEST(PredictiveWaiter, OneReturnConsumesAllNotifications) {
    PredictiveWaiter waiter;
    waiter.notify();
    waiter.notify();
    waiter.wait(kForever, kSpin);
    const auto begin = monotonic_ns();
    waiter.wait(2 * kMillisecond, kSpin);
    EXPECT_GE(monotonic_ns() - begin, 2 * kMillisecond);
}

TEST(PredictiveWaiter, WakesASleeperAndSaysSo) {
    int woken = 0;
    for (int attempt = 0; attempt < 20; ++attempt) {
        PredictiveWaiter waiter;
        std::thread worker([&] { waiter.wait(kForever, kSpin); });
        sleep_until_monotonic(monotonic_ns() + 3 * kMillisecond);
        if (waiter.notify()) ++woken;
        worker.join();
    }
    EXPECT_GT(woken, 0);
}

TEST(PredictiveWaiter, StopEndsTheWaitNowAndEverAfter) {
    PredictiveWaiter waiter;
    std::thread worker([&] {
        while (!waiter.stopped()) waiter.wait(kForever, kSpin);
        waiter.wait(kForever, kSpin);
    });
    sleep_until_monotonic(monotonic_ns() + 3 * kMillisecond);
    waiter.stop();
    worker.join();
    EXPECT_TRUE(waiter.stopped());
}

// A card's clock is followed block by block, so the moment of one hop is announced several times, each a little
// different.
TEST(PredictiveWaiter, GetsUpLaterAsLongAsWorkFindsItAwakeThoughTheMomentIsCorrectedMeanwhile) {
    if (!may_use_realtime_priority()) GTEST_SKIP() << "no right to real-time priority";
    constexpr int kRounds = 100;
    PredictiveWaiter waiter;
    const auto lead_at_first_ns = waiter.lead_ns();
    // Where the machine stands still for a round, one return of `wait` answers for two notifications. Of the priority
    // that a worker has: one that is kept from the processor by others is found asleep, and gets up earlier.
    RealtimeThread worker({.name = "waiter", .priority = 60}, [&] {
        while (!waiter.stopped()) waiter.wait(kForever, 10 * kMillisecond);
    });
    auto due_ns = monotonic_ns() + 2 * kMillisecond;
    waiter.expect(due_ns);
    for (int i = 0; i < kRounds; ++i) {
        sleep_until_monotonic(due_ns - kMillisecond);
        waiter.expect(due_ns + 1'000);
        sleep_until_monotonic(due_ns + 2 * kMillisecond);
        due_ns = monotonic_ns() + 2 * kMillisecond;
        waiter.expect(due_ns);
        waiter.notify();
    }
    waiter.stop();
    worker.join();
    EXPECT_LT(waiter.lead_ns(), lead_at_first_ns);
}

/// Processor time of waiting 100 ms in vain for what was expected in `due_in`.
std::int64_t cpu_ns_of_waiting(std::int64_t due_in) {
    PredictiveWaiter waiter;
    const auto begin = thread_cpu_ns();
    waiter.expect(monotonic_ns() + due_in);
    waiter.wait(100 * kMillisecond, kSpin);
    return thread_cpu_ns() - begin;
}

TEST(PredictiveWaiter, DoesNotSpinWhenNothingIsExpected) {
    EXPECT_LT(cpu_ns_of_waiting(-10 * kMillisecond), 10 * kMillisecond);
    EXPECT_LT(cpu_ns_of_waiting(1'000 * kMillisecond), 10 * kMillisecond);
}

TEST(PredictiveWaiter, SpinsOnceForABlockThatDoesNotCome) {
    EXPECT_LT(cpu_ns_of_waiting(5 * kMillisecond), 10 * kMillisecond);
}

TEST(PredictiveWaiter, RehearsesOnceAheadOfWorkThatIsExpected) {
    // A thread that a busy machine wakes after the work was due has nothing to rehearse for: one of several is in time.
    int rehearsed = 0;
    for (int round = 0; round < 100 && rehearsed == 0; ++round) {
        PredictiveWaiter waiter;
        std::int64_t rehearsed_ns = 0;
        const auto expected_ns = monotonic_ns() + 5 * kMillisecond;
        waiter.expect(expected_ns);
        waiter.wait(20 * kMillisecond, kSpin, [&](const Rehearsal&) {
            ++rehearsed;
            rehearsed_ns = monotonic_ns();
        });
        ASSERT_LE(rehearsed, 1) << "for one expectation, though it waited on in vain";
        if (rehearsed == 1) {
            EXPECT_GE(rehearsed_ns, expected_ns - waiter.lead_ns()) << "after the sleep, or all is forgotten again";
        }
    }
    EXPECT_EQ(rehearsed, 1);
}

TEST(PredictiveWaiter, DoesNotRehearseWhenNothingIsExpectedOrWorkIsThere) {
    PredictiveWaiter waiter;
    int rehearsals = 0;
    const auto count = [&](const Rehearsal&) { ++rehearsals; };
    waiter.wait(2 * kMillisecond, kSpin, count);
    waiter.expect(monotonic_ns() + kMillisecond / 20);
    waiter.notify();
    waiter.wait(kForever, kSpin, count);
    EXPECT_EQ(rehearsals, 0);
}

/// Waits in vain for what is expected in 2 ms.
void wait_in_vain(PredictiveWaiter& waiter, const std::function<void(const Rehearsal&)>& rehearse) {
    waiter.expect(monotonic_ns() + 2 * kMillisecond);
    waiter.wait(3 * kMillisecond, kSpin, rehearse);
}

TEST(PredictiveWaiter, GetsUpEarlierByAsLongAsARehearsalTakes) {
    constexpr std::int64_t kTakesNs = 300'000;
    PredictiveWaiter waiter;
    EXPECT_EQ(waiter.rehearsal_ns(), 0);
    // A busy machine wakes it too late for some rehearsals, and interrupts others.
    constexpr int kMostRounds = 2000;
    for (int round = 0; round < kMostRounds && waiter.rehearsal_ns() <= kTakesNs * 9 / 10; ++round) {
        wait_in_vain(waiter, [](const Rehearsal&) {
            for (const auto end = monotonic_ns() + kTakesNs; monotonic_ns() < end;) {
            }
        });
    }
    EXPECT_GT(waiter.rehearsal_ns(), kTakesNs * 9 / 10);
    EXPECT_LE(waiter.rehearsal_ns(), PredictiveWaiter::kMostRehearsalNs);
    for (int round = 0; round < kMostRounds && waiter.rehearsal_ns() >= kTakesNs / 3; ++round) {
        wait_in_vain(waiter, [](const Rehearsal&) {});
    }
    EXPECT_LT(waiter.rehearsal_ns(), kTakesNs / 3) << "and later again where it takes less";
}

TEST(PredictiveWaiter, EndsARehearsalThatTakesTooLong) {
    PredictiveWaiter waiter;
    std::int64_t took_ns = 0;
    for (int round = 0; round < 100 && took_ns < PredictiveWaiter::kMostRehearsalNs * 9 / 10; ++round) {
        wait_in_vain(waiter, [&](const Rehearsal& rehearsal) {
            const auto begin = monotonic_ns();
            while (!rehearsal.is_over() && monotonic_ns() < begin + kForever) {
            }
            took_ns = monotonic_ns() - begin;
        });
    }
    EXPECT_GE(took_ns, PredictiveWaiter::kMostRehearsalNs * 9 / 10);
    EXPECT_LT(took_ns, kForever);
    EXPECT_LE(waiter.rehearsal_ns(), PredictiveWaiter::kMostRehearsalNs);
}

TEST(PredictiveWaiter, EndsARehearsalWhenTheWorkComes) {
    PredictiveWaiter waiter;
    int ended = 0;
    for (int round = 0; round < 100 && ended == 0; ++round) {
        waiter.expect(monotonic_ns() + 2 * kMillisecond);
        waiter.wait(10 * kMillisecond, kSpin, [&](const Rehearsal& rehearsal) {
            waiter.notify();
            if (rehearsal.is_over()) ++ended;
        });
        waiter.notify();
        waiter.wait(kForever, kSpin);  // where the thread got up late, it did not rehearse: nothing is left over
    }
    EXPECT_GT(ended, 0);
}

TEST(PredictiveWaiter, NoNotificationIsLost) {
    // Each round the worker must answer before the next begins, so one lost wake stops the test for a minute. Plain
    // memory carries the work: ThreadSanitizer sees whether notify and wait order it.
    constexpr int kRounds = 10'000;
    PredictiveWaiter waiter;
    int work = 0;
    std::atomic<int> answered{0};
    std::atomic<int> timeouts{0};
    std::thread worker([&] {
        std::mt19937 random(8);
        for (int round = 1; round <= kRounds; ++round) {
            const auto begin = monotonic_ns();
            waiter.wait(kForever, static_cast<std::int64_t>(random() % 50'000));
            if (monotonic_ns() - begin >= kForever || work != round) ++timeouts;
            answered.store(round, std::memory_order_release);
        }
    });
    std::mt19937 random(9);
    for (int round = 1; round <= kRounds; ++round) {
        work = round;
        // Expected in the past, about now and in the future: asleep, spinning and in between.
        waiter.expect(monotonic_ns() + static_cast<std::int64_t>(random() % 400'000) - 200'000);
        for (auto pause = random() % 2'000; pause > 0; --pause) std::atomic_signal_fence(std::memory_order_seq_cst);
        waiter.notify();
        while (answered.load(std::memory_order_acquire) < round) std::this_thread::yield();
    }
    worker.join();
    EXPECT_EQ(timeouts, 0);
}

}  // namespace
}  // namespace sidetone::rt
