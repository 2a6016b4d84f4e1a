// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "device/sim_card.hpp"
#include "engine/engine.hpp"
#include "engine/live.hpp"
#include "rt/guard.hpp"
#include "sidetone/chain.hpp"
#include "unit/engine/hand_driven_card.hpp"
#include "unit/engine/sounds.hpp"
#include "unit/engine/test_stages.hpp"

namespace sidetone::engine {
namespace {

using test::HandDrivenCard;

constexpr device::CardFormat kCard{
    .rate_hz = 48'000, .block_frames = 128, .max_block_frames = 128, .input_channels = 1, .output_channels = 1};
constexpr std::uint32_t kBlocks = 2000;

// A compiler may leave out what has no effect.
std::atomic<void*> keep_alive;

void allocate_and_free() {
    auto* made = new std::vector<int>(3);
    keep_alive = made;
    delete made;
}

rt::RealtimeCounts audio_counts(Engine& engine, std::uint32_t blocks) {
    HandDrivenCard card{engine, kCard};
    rt::reset_realtime_counts();
    (void)card.play({dsp::test::white_noise(std::size_t{kCard.block_frames} * blocks, 1, 0.1F)});
    return rt::realtime_counts(rt::RealtimeKind::audio);
}

class EngineRealtime : public testing::Test {
protected:
    void SetUp() override {
#ifdef SIDETONE_SANITIZED
        EXPECT_FALSE(rt::interposer_is_present()) << "beneath a sanitizer nothing is counted";
#endif
        if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer: nothing is counted";
    }
};

// ── the interposer sees ─────────────────────────────────────────────────────────────────────────

TEST_F(EngineRealtime, StageThatAllocatesIsSeen) {
    Engine engine{test::chain_of(std::make_unique<test::HookStage>(allocate_and_free))};
    const auto counts = audio_counts(engine, 10);
    EXPECT_EQ(counts.heap_calls, 10U * 4) << "two new and two delete a block";
    EXPECT_EQ(counts.locks, 0U);
}

TEST_F(EngineRealtime, StageThatLocksIsSeen) {
    std::mutex mutex;
    Engine engine{test::chain_of(std::make_unique<test::HookStage>([&] { const std::lock_guard lock{mutex}; }))};
    const auto counts = audio_counts(engine, 10);
    EXPECT_EQ(counts.heap_calls, 0U);
    EXPECT_EQ(counts.locks, 10U);
}

TEST_F(EngineRealtime, WhatAllocatesOutsideTheCallbackIsNot) {
    Engine engine{test::chain_of(std::make_unique<test::HookStage>(nullptr))};
    HandDrivenCard card{engine, kCard};
    rt::reset_realtime_counts();
    for (int i = 0; i < 10; ++i) allocate_and_free();
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

TEST_F(EngineRealtime, ReportOfALiveRunTellsWhatWasSeen) {
    // A generator runs on the card's thread beside the engine's scope: it opens one of its own.
    device::SimSettings sim;
    sim.pacing = {.rate_hz = 48'000, .block_frames = 128};
    sim.generator = [](std::uint64_t first, std::uint32_t, std::span<float> samples) {
        std::fill(samples.begin(), samples.end(), 0.0F);
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        if (first > 12'800) allocate_and_free();
    };
    const nn::test::TemporaryFolder folder;
    nn::test::write(folder.path() / "gain.toml", "[[stage]]\nkind = \"gain\"\n");
    const std::atomic<bool> stop{false};
    const auto report = run_live(
        folder.path() / "gain.toml", 1, [&] { return std::make_unique<device::SimCard>(sim); }, {.seconds = 0.7}, stop);
    ASSERT_TRUE(report.heap_calls.has_value());
    EXPECT_GT(*report.heap_calls, 100U);
    EXPECT_EQ(report.locks, 0U);
}

// ── and has nothing to see ──────────────────────────────────────────────────────────────────────

class EngineRealtimeChain : public EngineRealtime, public testing::WithParamInterface<const char*> {};

TEST_P(EngineRealtimeChain, NeitherAllocatesNorLocksOnTheAudioThread) {
    Engine engine{read_chain_text(GetParam(), "test.toml", 1)};
    const auto counts = audio_counts(engine, kBlocks);
    EXPECT_EQ(counts.heap_calls, 0U);
    EXPECT_EQ(counts.locks, 0U);
}

TEST_P(EngineRealtimeChain, OfThePublicClassNeitherAllocatesNorLocks) {
    const nn::test::TemporaryFolder folder;
    nn::test::write(folder.path() / "chain.toml", GetParam());
    sidetone::Chain chain{folder.path() / "chain.toml", {.rate_hz = 48'000, .block_frames = 128}};
    auto sound = dsp::test::white_noise(128, 1, 0.1F);
    float* planes[] = {sound.data()};
    rt::reset_realtime_counts();
    for (std::uint32_t i = 0; i < kBlocks; ++i) chain.process(planes, planes, 128);
    const auto counts = rt::realtime_counts(rt::RealtimeKind::audio);
    EXPECT_EQ(counts.heap_calls, 0U);
    EXPECT_EQ(counts.locks, 0U);
}

// On misses too, and while NaN is replaced and events are logged: called as fast as it goes, the worker cannot follow.
TEST_P(EngineRealtimeChain, NeitherAllocatesNorLocksInTrouble) {
    Engine engine{read_chain_text(GetParam(), "test.toml", 1)};
    HandDrivenCard card{engine, kCard};
    test::Planes input{std::vector<float>(128, std::numeric_limits<float>::quiet_NaN())}, output(1);
    rt::reset_realtime_counts();
    for (int i = 0; i < 500; ++i) {
        card.block(input, 0, 128, output, {.late_ns = 5'000'000, .took_ns = 5'000'000, .lost_frames = 1});
    }
    const auto counts = rt::realtime_counts(rt::RealtimeKind::audio);
    EXPECT_EQ(counts.heap_calls, 0U);
    EXPECT_EQ(counts.locks, 0U);
}

INSTANTIATE_TEST_SUITE_P(Chains, EngineRealtimeChain,
                         testing::Values("[[stage]]\nkind = \"gain\"\n",
                                         "[[stage]]\nkind = \"denoise\"\nmode = \"pipelined\"\n"),
                         [](const auto& info) {
                             return std::string(info.param).find("gain") != std::string::npos ? "Gain"
                                                                                              : "PipelinedDenoise";
                         });

}  // namespace
}  // namespace sidetone::engine
