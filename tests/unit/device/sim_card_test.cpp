// SPDX-License-Identifier: Apache-2.0
#include "device/sim_card.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "rt/clock.hpp"
#include "rt/guard.hpp"
#include "unit/device/listening_user.hpp"
#include "unit/device/refusal.hpp"
#include "unit/rt/temporary_folder.hpp"

namespace sidetone::device {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Sound noise(std::uint32_t channels, std::size_t frames, std::uint32_t rate_hz = 48'000) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> amplitude(-0.9F, 0.9F);
    Sound sound{.rate_hz = rate_hz, .channels = std::vector(channels, std::vector<float>(frames)), .not_finite = 0};
    for (auto& channel : sound.channels) {
        for (auto& sample : channel) sample = amplitude(random);
    }
    return sound;
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected, double tolerance) {
    ASSERT_GE(found.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], tolerance) << "frame " << i;
}

TEST(SimCard, WhatPassesThroughIsRecordedFrameByFrameInEveryLayout) {
    const test::TemporaryFolder folder;
    const auto sound = noise(2, 5'000);
    write_sound_file(folder / "in.wav", sound);
    for (const auto format : {dsp::SampleFormat::s16, dsp::SampleFormat::s24, dsp::SampleFormat::s24in32,
                              dsp::SampleFormat::s32, dsp::SampleFormat::f32}) {
        for (const bool interleaved : {false, true}) {
            SimCard card({.pacing = {.block_frames = 128},
                          .input_channels = 2,
                          .output_channels = 2,
                          .format = format,
                          .interleaved = interleaved,
                          .input_file = folder / "in.wav",
                          .output_file = folder / "out.wav",
                          .tail_frames = 77,
                          .paced = false});
            ListeningUser user;
            const StopAtEnd stop_at_end{card};
            card.start(user);
            ASSERT_TRUE(user.wait_for(CardEvent::finished));
            card.stop();
            EXPECT_EQ(user.blocks(), (5'077U + 127) / 128);
            const auto out = read_sound_file(folder / "out.wav");
            ASSERT_EQ(out.frames(), 5'077U);
            const double step = format == dsp::SampleFormat::s16   ? 0x1p-15
                                : format == dsp::SampleFormat::f32 ? 0
                                                                   : 0x1p-23;
            expect_near(out.channels[0], sound.channels[0], step);
            expect_near(out.channels[1], sound.channels[1], step);
            EXPECT_EQ(out.channels[0].back(), 0.0F);
            EXPECT_TRUE(card.warnings().empty());
        }
    }
}

TEST(SimCard, ChangingBlockSizesCarryTheSameSound) {
    const test::TemporaryFolder folder;
    const auto sound = noise(1, 10'000);
    write_sound_file(folder / "in.wav", sound);
    SimCard card({.pacing = {.block_frames = 64, .block_pattern = {64, 100, 1, 441}},
                  .input_file = folder / "in.wav",
                  .output_file = folder / "out.wav",
                  .paced = false});
    EXPECT_FALSE(card.format().fixed_block);
    EXPECT_EQ(card.format().max_block_frames, 441U);
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::finished));
    card.stop();
    EXPECT_EQ(read_sound_file(folder / "out.wav").channels, sound.channels);
}

TEST(SimCard, BlocksAreEnteredWhenTheirSoundHasBeenCaptured) {
    std::vector<std::int64_t> captured_ns;
    captured_ns.reserve(1000);
    const auto capture = [&](std::uint64_t /*first_frame*/, std::uint32_t channel, std::span<float> samples) {
        std::ranges::fill(samples, 0.25F);
        if (channel == 1 && captured_ns.size() < captured_ns.capacity()) captured_ns.push_back(rt::now_ns());
    };
    SimCard card({.pacing = {.rate_hz = 48'000, .block_frames = 128},
                  .input_channels = 2,
                  .generator = capture,
                  .seconds = 0.2});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::finished));
    card.stop();
    const auto seen = user.seen();
    ASSERT_GT(seen.size(), 1U);
    // Blocks that were lost are captured too, in vain.
    ASSERT_GE(captured_ns.size(), seen.size());
    for (const auto& block : seen) {
        const auto later = std::ranges::upper_bound(captured_ns, block.entered_ns);
        const auto before = static_cast<std::size_t>(later - captured_ns.begin());
        EXPECT_GE(before, static_cast<std::size_t>(&block - seen.data()) + 1) << "captured in the callback's time";
    }
}

TEST(SimCard, PacedBlocksCarryTheirDueTimes) {
    SimCard card(
        {.pacing = {.rate_hz = 48'000, .block_frames = 128, .skew_ppm = 300, .jitter_us = 200}, .seconds = 0.4});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    EXPECT_NE(card.audio_thread_id(), 0);
    ASSERT_TRUE(user.wait_for(CardEvent::finished));
    card.stop();
    const auto seen = user.seen();
    const double frame_ns = 1e9 / (48'000 * (1 + 300e-6));
    ASSERT_GT(seen.size(), 1U);
    for (std::size_t k = 1; k < seen.size(); ++k) {
        const double steps = static_cast<double>(seen[k].frames + seen[k].lost_frames);
        EXPECT_NEAR(static_cast<double>(seen[k].due_monotonic_ns - seen[k - 1].due_monotonic_ns), steps * frame_ns, 2);
        EXPECT_GE(seen[k].entered_ns, seen[k].due_ns) << "no block before its time";
        EXPECT_NEAR(seen[k].period_ns, 128 * frame_ns, 1e-3);
    }
}

TEST(SimCard, AStallLosesFramesInsteadOfDeliveringThemInABurst) {
    const test::TemporaryFolder folder;
    const auto sound = noise(1, 14'400);
    write_sound_file(folder / "in.wav", sound);
    SimCard card({.pacing = {.block_frames = 96}, .input_file = folder / "in.wav", .output_file = folder / "out.wav"});
    ListeningUser user;
    user.on_process = [&](const CardBlock&) {
        if (user.blocks() == 20) std::this_thread::sleep_for(std::chrono::milliseconds(31));
    };
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::finished));
    card.stop();
    const auto seen = user.seen();
    ASSERT_GT(seen.size(), 21U);
    // The 31 ms hold 15 whole periods of 2 ms; the newest is delivered.
    EXPECT_GE(seen[21].lost_frames, 14U * 96);
    EXPECT_GE(user.count(CardEvent::xrun), 1);
    // The recording says so: what was not lost is in its place, the rest is silent.
    const auto out = read_sound_file(folder / "out.wav");
    ASSERT_EQ(out.frames(), sound.frames());
    std::size_t at = 0;
    for (const auto& block : seen) {
        for (std::uint64_t i = 0; i < block.lost_frames && at < out.frames(); ++i)
            ASSERT_EQ(out.channels[0][at++], 0.0F);
        for (std::uint32_t i = 0; i < block.frames && at < out.frames(); ++i, ++at)
            ASSERT_EQ(out.channels[0][at], sound.channels[0][at]);
    }
}

TEST(SimCard, NothingOnItsThreadAllocatesOrLocks) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "no interposer in this build";
    const test::TemporaryFolder folder;
    // From the first block to the end the whole thread counts as real time, the card's own work too.
    struct Watching : ListeningUser {
        void process(const CardBlock& block) noexcept override {
            if (!scope) scope.emplace(rt::RealtimeKind::audio);
            ListeningUser::process(block);
        }
        void on_event(CardEvent event) noexcept override {
            if (event == CardEvent::finished) scope.reset();
            ListeningUser::on_event(event);
        }
        std::optional<rt::RealtimeScope> scope;
    } user;
    SimCard card(
        {.pacing = {.rate_hz = 48'000, .block_frames = 64, .jitter_us = 100, .drop_share = 0.05, .double_share = 0.05},
         .format = dsp::SampleFormat::s16,
         .interleaved = true,
         .output_file = folder / "out.wav",
         .seconds = 0.3});
    rt::reset_realtime_counts();
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::finished));
    card.stop();
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(SimCard, AVanishedCardComesBackAndTheGapIsSilent) {
    const test::TemporaryFolder folder;
    const auto sound = noise(1, 20'000);
    write_sound_file(folder / "in.wav", sound);
    SimCard card({.pacing = {.block_frames = 100},
                  .input_file = folder / "in.wav",
                  .output_file = folder / "out.wav",
                  .vanish_after_s = 0.1,
                  .return_after_s = 0.05,
                  .paced = false});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::lost));
    card.stop();
    EXPECT_FALSE(std::filesystem::exists(folder / "out.wav")) << "it may come back";
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::finished));
    card.stop();
    const auto out = read_sound_file(folder / "out.wav").channels[0];
    ASSERT_EQ(out.size(), 20'000U);
    // 48 blocks would end at 0.1 s; the one due then is the first that does not come.
    for (std::size_t i = 0; i < out.size(); ++i) {
        const bool away = i >= 4'700 && i < 7'200;
        ASSERT_EQ(out[i], away ? 0.0F : sound.channels[0][i]) << "frame " << i;
    }
}

TEST(SimCard, AnUnpluggedCardSaysWhenItComesBack) {
    SimCard card({.pacing = {.rate_hz = 48'000, .block_frames = 48}, .vanish_after_s = 0.02, .return_after_s = 0.3});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::lost));
    card.stop();
    EXPECT_THAT(refusal([&] { card.start(user); }), HasSubstr("comes back in"));
    const auto before = user.blocks();
    EXPECT_TRUE(ListeningUser::eventually([&] { return refusal([&] { card.start(user); }).empty(); }));
    EXPECT_TRUE(user.wait_for_blocks(before + 5));
    EXPECT_EQ(user.count(CardEvent::lost), 1) << "it vanishes once";
}

TEST(SimCard, ACardThatNeverReturnsSaysSo) {
    SimCard card({.vanish_after_s = 0.02, .paced = false});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::lost));
    EXPECT_THAT(refusal([&] { card.start(user); }), HasSubstr("does not come back"));
}

TEST(SimCard, StoppingEarlyKeepsWhatWasPlayed) {
    const test::TemporaryFolder folder;
    SimCard card({.pacing = {.rate_hz = 48'000, .block_frames = 48}, .output_file = folder / "out.wav"});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for_blocks(20));
    card.stop();
    const auto blocks = user.blocks();
    EXPECT_GE(read_sound_file(folder / "out.wav").frames(), blocks * 48);
    EXPECT_FALSE(std::filesystem::exists(folder / "out.wav.part"));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(user.blocks(), blocks) << "no block after stop";
}

TEST(SimCard, StartsAnewAfterStop) {
    SimCard card({.pacing = {.block_frames = 48}, .seconds = 0.1, .paced = false});
    ListeningUser user;
    for (int i = 1; i <= 3; ++i) {
        const StopAtEnd stop_at_end{card};
        card.start(user);
        ASSERT_TRUE(ListeningUser::eventually([&] { return user.count(CardEvent::finished) == i; }));
        card.stop();
        EXPECT_EQ(user.blocks(), static_cast<std::uint64_t>(i) * 100);
    }
}

TEST(SimCard, AFileOfAnotherRateIsRefusedNamingBoth) {
    const test::TemporaryFolder folder;
    write_sound_file(folder / "in.wav", noise(1, 100, 44'100));
    EXPECT_THAT(refusal([&] { SimCard({.pacing = {.rate_hz = 48'000}, .input_file = folder / "in.wav"}); }),
                AllOf(HasSubstr("in.wav"), HasSubstr("44100 Hz"), HasSubstr("48000 Hz")));
    EXPECT_EQ(SimCard({.input_file = folder / "in.wav"}).format().rate_hz, 44'100U) << "left open, it is the file's";
}

TEST(SimCard, OneRecordedChannelFeedsAllInputs) {
    const test::TemporaryFolder folder;
    const auto sound = noise(1, 1'000);
    write_sound_file(folder / "in.wav", sound);
    SimCard card({.pacing = {.block_frames = 100},
                  .input_channels = 3,
                  .output_channels = 3,
                  .input_file = folder / "in.wav",
                  .output_file = folder / "out.wav",
                  .paced = false});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::finished));
    card.stop();
    EXPECT_EQ(read_sound_file(folder / "out.wav").channels, std::vector(3, sound.channels[0]));
}

TEST(SimCard, FloatCardHandsNanOnAsItCame) {
    const test::TemporaryFolder folder;
    write_sound_file(folder / "in.wav", noise(1, 100));
    auto bytes = test::contents_of(folder / "in.wav");
    const auto at = bytes.find("data") + 8 + 4 * 10;
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = "\0\0\xc0\x7f"[i];
    test::write(folder / "in.wav", bytes);
    SimCard card({.pacing = {.block_frames = 100}, .input_file = folder / "in.wav", .paced = false});
    EXPECT_THAT(card.warnings(), testing::ElementsAre(HasSubstr("1 samples are NaN")));
    ListeningUser user;
    std::atomic<bool> met{false};
    user.on_process = [&](const CardBlock& block) {
        if (std::isnan(static_cast<const float*>(block.input.data[0])[10])) met = true;
    };
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for(CardEvent::finished));
    EXPECT_TRUE(met);
}

TEST(SimCard, AUserThatCannotPrepareStopsTheStart) {
    SimCard card({.pacing = {.block_frames = 100}, .paced = false});
    ListeningUser user;
    user.on_prepare = [](const CardFormat&) { throw InputError("chain does not like it"); };
    EXPECT_EQ(refusal([&] { card.start(user); }), "chain does not like it");
    EXPECT_EQ(user.blocks(), 0U);
}

TEST(SimCard, VirtualTimeRunsBlocksInOrderAndNoFaster) {
    VirtualTime time;
    SimCard card({.pacing = {.rate_hz = 48'000, .block_frames = 480}, .virtual_time = &time});
    ListeningUser user;
    const StopAtEnd stop_at_end{card};
    card.start(user);
    time.run_for(1.0001);
    EXPECT_EQ(user.blocks(), 100U);
    EXPECT_EQ(user.seen().back().due_monotonic_ns, 1'000'000'000);
    card.stop();
    time.run_for(1);
    EXPECT_EQ(user.blocks(), 100U);
}

}  // namespace
}  // namespace sidetone::device
