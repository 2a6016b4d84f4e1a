// SPDX-License-Identifier: Apache-2.0
#include "engine/tally.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include "rt/thread.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/engine/test_stages.hpp"

namespace sidetone::engine {
namespace {

using test::BlockTiming;
using test::HandDrivenCard;
using test::Planes;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kNoThread = -1;
constexpr std::int64_t kMs = 1'000'000;
// A period so long (512 ms) that nothing the machine does to the test can be mistaken for it.
constexpr device::CardFormat kSlowCard{
    .rate_hz = 8000, .block_frames = 4096, .max_block_frames = 4096, .input_channels = 1, .output_channels = 1};

void pin_to_core_0(std::thread& thread) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(0, &cores);
    pthread_setaffinity_np(thread.native_handle(), sizeof cores, &cores);
}

// A thread that the scheduler takes off its core again and again, for as long as `struggle` runs.
class PressedThread {
public:
    PressedThread() {
        for (auto* thread : {&pressed_, &rival_}) {
            *thread = std::thread{[this, is_pressed = thread == &pressed_] {
                if (is_pressed) id_ = rt::this_thread_kernel_id();
                while (!ended_) {
                    if (!struggling_) std::this_thread::sleep_for(std::chrono::milliseconds{1});
                }
            }};
            pin_to_core_0(*thread);
        }
        while (id_ == 0) std::this_thread::yield();
    }
    ~PressedThread() {
        ended_ = true;
        pressed_.join();
        rival_.join();
    }
    // Returns when the thread has lost its core at least once more and rests.
    void struggle() {
        const auto before = switches();
        struggling_ = true;
        while (switches() == before) std::this_thread::sleep_for(std::chrono::milliseconds{5});
        struggling_ = false;
        for (auto seen = before; seen != switches();) {
            seen = switches();
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        }
    }
    [[nodiscard]] int id() const { return id_; }

private:
    [[nodiscard]] std::uint64_t switches() const { return rt::thread_pressure(id_).involuntary_switches; }

    std::atomic<int> id_{0};
    std::atomic<bool> struggling_{false}, ended_{false};
    std::thread pressed_, rival_;
};

class TallyTest : public testing::Test {
protected:
    void block(const BlockTiming& timing, float sample = 0.1F) {
        const Planes input{std::vector<float>(kSlowCard.block_frames, sample)};
        Planes output(1);
        card_.block(input, 0, kSlowCard.block_frames, output, timing);
    }
    void expect_misses(std::uint64_t ours, std::uint64_t card, std::uint64_t stolen) {
        EXPECT_EQ(tally_.misses(Cause::ours), ours);
        EXPECT_EQ(tally_.misses(Cause::card), card);
        EXPECT_EQ(tally_.misses(Cause::stolen), stolen);
    }
    // The look at an idle card that every run begins with.
    void settle(int thread_id = kNoThread) {
        tally_.poll(thread_id);
        tally_.poll(thread_id);
    }
    // Whether the hypervisor has left this machine alone since the test began; else nothing can be said about `ours`.
    [[nodiscard]] bool is_undisturbed() const { return rt::stolen_ns() == stolen_before_; }

    std::uint64_t stolen_before_ = rt::stolen_ns();
    Engine engine_{test::chain_of(std::make_unique<test::HookStage>(nullptr))};
    HandDrivenCard card_{engine_, kSlowCard};
    Tally tally_{engine_};
};

#define SKIP_IF_DISTURBED() \
    if (!is_undisturbed()) GTEST_SKIP() << "the hypervisor took time meanwhile: every miss may be called stolen"

TEST_F(TallyTest, BlocksInTimeAreNoMisses) {
    settle();
    block({});
    block({.late_ns = 200 * kMs, .took_ns = 10 * kMs});
    block({.late_ns = 400 * kMs, .took_ns = 10 * kMs});
    tally_.poll(kNoThread);
    expect_misses(0, 0, 0);
    EXPECT_THAT(tally_.take_lines(), IsEmpty());
}

TEST_F(TallyTest, CallbackThatTookTooLongIsOurs) {
    settle();
    block({.late_ns = 0, .took_ns = 600 * kMs});
    block({.late_ns = 200 * kMs, .took_ns = 400 * kMs});
    tally_.poll(kNoThread);
    SKIP_IF_DISTURBED();
    expect_misses(2, 0, 0);
    EXPECT_THAT(tally_.take_lines(), ElementsAre("2 x the callback ended after its period (cause: ours)"));
    EXPECT_THAT(tally_.take_lines(), IsEmpty()) << "told once";
}

TEST_F(TallyTest, CallbackThatCameMoreThanHalfAPeriodLateIsTheCards) {
    settle();
    block({.late_ns = 300 * kMs, .took_ns = 300 * kMs});
    tally_.poll(kNoThread);
    expect_misses(0, 1, 0);
    EXPECT_THAT(tally_.take_lines(),
                ElementsAre("1 x the callback ended after its period (cause: the card came late)"));
}

TEST_F(TallyTest, SkippedFramesCountAsTheBlocksTheyWouldHaveMade) {
    settle();
    block({.lost_frames = 3 * 4096});
    block({.lost_frames = 1});
    tally_.poll(kNoThread);
    expect_misses(0, 4, 0);
    EXPECT_THAT(tally_.take_lines(), ElementsAre("4 x the card skipped input (cause: the card came late)"));
}

TEST_F(TallyTest, FramesSkippedBecauseWeTookTooLongAreOurs) {
    settle();
    block({.took_ns = 600 * kMs});
    block({.lost_frames = 4096});
    tally_.poll(kNoThread);
    SKIP_IF_DISTURBED();
    expect_misses(2, 0, 0);
}

TEST_F(TallyTest, MissDuringWhichTheThreadLostItsCoreIsStolen) {
    PressedThread thread;
    settle(thread.id());
    thread.struggle();
    block({.took_ns = 600 * kMs});
    tally_.poll(thread.id());
    expect_misses(0, 0, 1);
    EXPECT_THAT(tally_.take_lines(),
                ElementsAre("1 x the callback ended after its period (cause: processor taken away)"));
}

TEST_F(TallyTest, MissLongAfterTheThreadLostItsCoreIsOurs) {
    PressedThread thread;
    settle(thread.id());
    thread.struggle();
    for (int i = 0; i < 3; ++i) tally_.poll(thread.id());
    block({.took_ns = 600 * kMs});
    tally_.poll(thread.id());
    SKIP_IF_DISTURBED();
    expect_misses(1, 0, 0);
}

// What the thread went through before this run began excuses nothing in it.
TEST_F(TallyTest, FirstLookExcusesNothing) {
    PressedThread thread;
    thread.struggle();
    block({.took_ns = 600 * kMs});
    tally_.poll(thread.id());
    SKIP_IF_DISTURBED();
    expect_misses(1, 0, 0);
}

// A callback of 600 ms in a period of 512: the machine must have stood still for 88 of them.
TEST_F(TallyTest, WhereStallsAreWatchedAMissIsStolenWhenTheyExplainIt) {
    std::int64_t stalled_ns = 0, asked_for_ns = 0;
    Tally tally{engine_, [&](std::int64_t from_ns, std::int64_t to_ns) {
                    asked_for_ns = to_ns - from_ns;
                    return stalled_ns;
                }};
    const auto misses_of = [&](std::int64_t stalled_for_ns, int thread_id) {
        stalled_ns = stalled_for_ns;
        block({.took_ns = 600 * kMs});
        tally.poll(thread_id);
        return std::pair{tally.misses(Cause::ours), tally.misses(Cause::stolen)};
    };
    PressedThread thread;
    tally.poll(thread.id());
    thread.struggle();
    EXPECT_EQ(misses_of(0, thread.id()), (std::pair<std::uint64_t, std::uint64_t>(1, 0)))
        << "losing the core for a moment explains nothing";
    EXPECT_EQ(misses_of(70 * kMs, thread.id()), (std::pair<std::uint64_t, std::uint64_t>(2, 0)));
    EXPECT_EQ(misses_of(300 * kMs, thread.id()), (std::pair<std::uint64_t, std::uint64_t>(2, 1)));
    EXPECT_GE(asked_for_ns, 600 * kMs);
    EXPECT_LT(asked_for_ns, 900 * kMs);
}

TEST_F(TallyTest, NotFiniteInputIsCountedAndIsNoMiss) {
    settle();
    block({}, std::numeric_limits<float>::quiet_NaN());
    block({}, std::numeric_limits<float>::infinity());
    tally_.poll(kNoThread);
    expect_misses(0, 0, 0);
    EXPECT_EQ(tally_.not_finite_in(), 2U * 4096);
    EXPECT_EQ(tally_.not_finite_out(), 0U);
    EXPECT_THAT(tally_.take_lines(), ElementsAre("8192 x NaN or infinity replaced by silence (input)"));
}

TEST(Tally, NotFiniteOutputOfAChainIsCountedApart) {
    constexpr auto kLoud = "[[stage]]\nkind = \"gain\"\ngain_db = 40\n";
    Engine engine{read_chain_text(kLoud, "loud.toml", 1)};
    HandDrivenCard card{engine, kSlowCard};
    Tally tally{engine};
    (void)card.play({std::vector<float>(2 * std::size_t{kSlowCard.block_frames}, 1e38F)});
    tally.poll(kNoThread);
    EXPECT_EQ(tally.not_finite_in(), 0U);
    EXPECT_GT(tally.not_finite_out(), 4096U);
}

}  // namespace
}  // namespace sidetone::engine
