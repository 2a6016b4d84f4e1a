// SPDX-License-Identifier: Apache-2.0
#include "rt/guard.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace sidetone::rt {
namespace {

using namespace std::chrono_literals;

/// Keeps the compiler from pairing an allocation with its release and dropping both.
template <class T>
void keep(T& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

/// What `work` costs inside a scope of `kind`.
template <class Work>
RealtimeCounts counted(RealtimeKind kind, Work work) {
    reset_realtime_counts();
    {
        const RealtimeScope scope(kind);
        work();
    }
    return realtime_counts(kind);
}

void make_and_free() {
    auto* made = new int{1};
    keep(made);
    delete made;
}

class Guard : public testing::Test {
protected:
    void SetUp() override {
#if defined(SIDETONE_SANITIZED)
        EXPECT_FALSE(interposer_is_present());
        GTEST_SKIP() << "the sanitizer has taken the interposer's place";
#else
        ASSERT_TRUE(interposer_is_present());
#endif
    }
};

TEST_F(Guard, CountsEveryKindOfHeapCall) {
    const auto heap_calls = [](auto work) { return counted(RealtimeKind::audio, work).heap_calls; };
    EXPECT_EQ(heap_calls(make_and_free), 2U);
    EXPECT_EQ(heap_calls([] {
                  void* piece = std::malloc(10);
                  keep(piece);
                  piece = std::realloc(piece, 100'000);
                  keep(piece);
                  std::free(piece);
              }),
              3U);
    EXPECT_EQ(heap_calls([] {
                  void* piece = std::calloc(10, 10);
                  keep(piece);
                  std::free(piece);
              }),
              2U);
    EXPECT_EQ(heap_calls([] {
                  void* pieces[2] = {std::aligned_alloc(64, 128), nullptr};
                  keep(pieces);
                  if (posix_memalign(&pieces[1], 256, 1) != 0) std::abort();
                  std::free(pieces[0]);
                  std::free(pieces[1]);
              }),
              4U);
    struct alignas(128) Wide {
        char bytes[128];
    };
    EXPECT_EQ(heap_calls([] {
                  auto* wide = new Wide;
                  keep(wide);
                  delete wide;
              }),
              2U);
}

TEST_F(Guard, SeesHeapCallsMadeInsideOtherLibraries) {
    // strdup and fopen allocate inside libc, a thrown exception inside libstdc++.
    EXPECT_EQ(counted(RealtimeKind::audio,
                      [] {
                          char* copy = strdup("sidetone");
                          keep(copy);
                          std::free(copy);
                      })
                  .heap_calls,
              2U);
    EXPECT_GE(counted(RealtimeKind::audio, [] { std::fclose(std::fopen("/dev/null", "r")); }).heap_calls, 2U);
    EXPECT_GE(counted(RealtimeKind::audio,
                      [] {
                          try {
                              throw std::runtime_error("a message too long for the small string");
                          } catch (const std::runtime_error& error) {
                              keep(error);
                          }
                      })
                  .heap_calls,
              2U);
}

TEST_F(Guard, AlignedMemoryIsAlignedAndBadAlignmentsAreRefused) {
    void* piece = nullptr;
    ASSERT_EQ(posix_memalign(&piece, 4096, 100), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % 4096, 0U);
    std::free(piece);
    EXPECT_EQ(posix_memalign(&piece, 24, 100), EINVAL);
    EXPECT_EQ(posix_memalign(&piece, 2, 100), EINVAL);
}

TEST_F(Guard, CountsLocks) {
    const auto locks = [](auto work) { return counted(RealtimeKind::audio, work).locks; };
    std::mutex mutex;
    EXPECT_EQ(locks([&] { const std::lock_guard lock(mutex); }), 1U);
    EXPECT_EQ(locks([&] {
                  if (mutex.try_lock()) mutex.unlock();
              }),
              1U);
    std::timed_mutex timed;
    EXPECT_EQ(locks([&] {
                  if (timed.try_lock_for(1ms)) timed.unlock();
              }),
              1U);
    std::shared_mutex shared;
    EXPECT_EQ(locks([&] {
                  { const std::shared_lock lock(shared); }
                  const std::unique_lock lock(shared);
              }),
              2U);
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    EXPECT_EQ(locks([&] {
                  sem_post(&semaphore);
                  sem_wait(&semaphore);
                  if (sem_trywait(&semaphore) == 0) std::abort();
              }),
              3U);
    sem_destroy(&semaphore);
    pthread_spinlock_t spin;
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    EXPECT_EQ(locks([&] {
                  pthread_spin_lock(&spin);
                  pthread_spin_unlock(&spin);
              }),
              1U);
    pthread_spin_destroy(&spin);
}

TEST_F(Guard, ConditionVariablesWorkThroughItAndAreCounted) {
    std::mutex mutex;
    std::condition_variable condition;
    bool is_asked = false;
    bool is_answered = false;
    std::thread other([&] {
        std::unique_lock lock(mutex);
        condition.wait(lock, [&] { return is_asked; });
        is_answered = true;
        condition.notify_all();
    });
    const auto counts = counted(RealtimeKind::audio, [&] {
        std::unique_lock lock(mutex);
        is_asked = true;
        condition.notify_one();
        condition.wait(lock, [&] { return is_answered; });
        condition.wait_for(lock, 1us);
    });
    other.join();
    // One mutex, one signal, and at least one plain and one timed wait; waking for nothing may add some.
    EXPECT_GE(counts.locks, 4U);
    EXPECT_EQ(counts.heap_calls, 0U);
}

TEST_F(Guard, CountsNothingOutsideScopes) {
    reset_realtime_counts();
    std::mutex mutex;
    { const std::lock_guard lock(mutex); }
    make_and_free();
    { const RealtimeScope scope(RealtimeKind::audio); }
    make_and_free();
    for (const auto kind : {RealtimeKind::none, RealtimeKind::audio, RealtimeKind::worker}) {
        EXPECT_EQ(realtime_counts(kind).heap_calls, 0U);
        EXPECT_EQ(realtime_counts(kind).locks, 0U);
    }
}

TEST_F(Guard, CountsNothingOnOtherThreads) {
    std::mutex mutex;
    std::atomic<int> step{0};
    std::thread other([&] {
        while (step.load() < 1) std::this_thread::yield();
        { const std::lock_guard lock(mutex); }
        make_and_free();
        step.store(2);
    });
    const auto counts = counted(RealtimeKind::audio, [&] {
        step.store(1);
        while (step.load() < 2) std::this_thread::yield();
    });
    other.join();
    EXPECT_EQ(counts.heap_calls, 0U);
    EXPECT_EQ(counts.locks, 0U);
}

TEST_F(Guard, KindsAreCountedApartAndTheInnerScopeCounts) {
    reset_realtime_counts();
    {
        const RealtimeScope outer(RealtimeKind::audio);
        {
            const RealtimeScope inner(RealtimeKind::worker);
            make_and_free();
            make_and_free();
        }
        make_and_free();
        {
            const RealtimeScope inner(RealtimeKind::none);
            make_and_free();
        }
    }
    EXPECT_EQ(realtime_counts(RealtimeKind::audio).heap_calls, 2U);
    EXPECT_EQ(realtime_counts(RealtimeKind::worker).heap_calls, 4U);
    reset_realtime_counts();
    EXPECT_EQ(realtime_counts(RealtimeKind::worker).heap_calls, 0U);
}

using GuardDeathTest = Guard;

TEST_F(GuardDeathTest, TrapEndsTheProgramAtTheFirstViolation) {
    EXPECT_DEATH(
        {
            trap_on_violation(true);
            const RealtimeScope scope(RealtimeKind::audio);
            make_and_free();
        },
        "heap call in an audio scope");
    EXPECT_DEATH(
        {
            trap_on_violation(true);
            std::mutex mutex;
            const RealtimeScope scope(RealtimeKind::audio);
            mutex.lock();
        },
        "lock in an audio scope");
}

TEST_F(GuardDeathTest, TrapLeavesWorkersAlone) {
    EXPECT_EXIT(
        {
            trap_on_violation(true);
            {
                const RealtimeScope scope(RealtimeKind::worker);
                make_and_free();
            }
            _exit(3);
        },
        testing::ExitedWithCode(3), "");
}

TEST_F(GuardDeathTest, TrapIsSetByTheEnvironment) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // runs the program anew, with the variable set
    setenv("SIDETONE_TRAP", "1", 1);
    EXPECT_DEATH(
        {
            const RealtimeScope scope(RealtimeKind::audio);
            make_and_free();
        },
        "heap call in an audio scope");
    unsetenv("SIDETONE_TRAP");
}

}  // namespace
}  // namespace sidetone::rt
