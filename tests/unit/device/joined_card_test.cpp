// SPDX-License-Identifier: Apache-2.0
#include "device/joined_card.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numbers>

#include "device/sim_card.hpp"
#include "unit/device/listening_user.hpp"
#include "unit/device/sine.hpp"
#include "unit/rt/temporary_folder.hpp"

namespace sidetone::device {
namespace {

/// Half an hour when there is time for it.
double long_run_seconds() {
    if (std::getenv("SIDETONE_LONG") != nullptr) return 1800;
#ifdef SIDETONE_SANITIZED
    return 60;
#else
    return 600;
#endif
}

constexpr double kToneHz = 1'000;

void make_tone(std::uint64_t first_frame, std::uint32_t, std::span<float> samples) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
        // 1000 Hz at 48 kHz repeats after 48 frames, so the argument stays small and exact.
        const auto n = static_cast<double>((first_frame + i) % 48);
        samples[i] = static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * n / 48));
    }
}

SimSettings microphone(VirtualTime& time, double skew_ppm) {
    return {.pacing = {.rate_hz = 48'000, .block_frames = 128, .skew_ppm = skew_ppm, .jitter_us = 300},
            .input_channels = 1,
            .output_channels = 0,
            .generator = make_tone,
            .virtual_time = &time};
}

SimSettings ear(VirtualTime& time, double skew_ppm) {
    return {.pacing = {.rate_hz = 48'000, .block_frames = 128, .skew_ppm = skew_ppm, .jitter_us = 300, .seed = 2},
            .input_channels = 0,
            .output_channels = 2,
            .virtual_time = &time};
}

std::unique_ptr<JoinedCard> join(const SimSettings& in, const SimSettings& out) {
    return std::make_unique<JoinedCard>(std::make_unique<SimCard>(in), std::make_unique<SimCard>(out));
}

TEST(JoinedCard, ClocksTwoHundredPpmApartRunForMinutesWithoutABreakOrADrift) {
    const double long_run_s = long_run_seconds();
    VirtualTime time;
    const auto card = join(microphone(time, 100), ear(time, -100));
    ListeningUser user;
    std::vector<float> heard;
    heard.reserve(static_cast<std::size_t>(long_run_s * 48'000) + 48'000);
    user.on_process = [&](const CardBlock& block) {
        const auto* const samples = static_cast<const float*>(block.input.data[0]);
        heard.insert(heard.end(), samples, samples + block.frames);
    };
    const StopAtEnd stop_at_end{*card};
    card->start(user);
    time.run_for(1);
    double least = 1e9, most = 0;
    for (double s = 1; s < long_run_s; s += 0.1) {
        time.run_for(0.1);
        least = std::min(least, card->bridge()->delay_frames());
        most = std::max(most, card->bridge()->delay_frames());
    }
    const double target = card->bridge()->target_delay_frames();
    EXPECT_EQ(card->bridge()->under_runs(), 0U);
    EXPECT_EQ(card->bridge()->recentres(), 0U);
    EXPECT_EQ(card->bridge()->dropped_frames(), 0U);
    EXPECT_LT(most - least, 64) << "drift of the delay, half a block";
    EXPECT_LT(std::max(most - target, target - least), 64);
    RecordProperty("delay_frames", std::to_string(target));

    // Every tenth of a second is the one tone, whole and clean.
    const double frequency = kToneHz / 48'000 * (1 + 100e-6) / (1 - 100e-6);
    double worst_db = -200;
    for (std::size_t at = 20 * 48'000; at + 4'800 <= heard.size(); at += 4'800) {
        worst_db = std::max(worst_db, fit_sine(std::span(heard).subspan(at, 4'800), frequency).residue_db);
    }
    RecordProperty("residue_db", std::to_string(worst_db));
    EXPECT_LT(worst_db, -80);
    card->stop();
}

TEST(JoinedCard, GivesTheOutputCardsBlocksAndTheInputCardsChannels) {
    VirtualTime time;
    auto in = microphone(time, 0);
    in.pacing.rate_hz = 44'100;
    in.pacing.block_frames = 441;
    in.input_channels = 3;
    auto out = ear(time, 0);
    out.format = dsp::SampleFormat::s16;
    out.interleaved = true;
    const auto card = join(in, out);
    ListeningUser user;
    std::uint32_t input_channels = 0;
    user.on_process = [&](const CardBlock& block) { input_channels = block.input.channels; };
    const StopAtEnd stop_at_end{*card};
    card->start(user);
    time.run_for(1);
    EXPECT_EQ(card->format().rate_hz, 48'000U);
    EXPECT_EQ(card->format().block_frames, 128U);
    EXPECT_EQ(card->format().input_channels, 3U);
    EXPECT_EQ(card->format().output_channels, 2U);
    EXPECT_EQ(input_channels, 3U);
    EXPECT_EQ(user.blocks(), 374U);
    EXPECT_NEAR(card->format().capture_latency_frames, card->bridge()->target_delay_frames(), 1);
}

TEST(JoinedCard, LostCallbacksOfEitherCardAreWeathered) {
    VirtualTime time;
    auto in = microphone(time, 50);
    auto out = ear(time, -50);
    in.pacing.drop_share = out.pacing.drop_share = 0.002;
    in.pacing.double_share = out.pacing.double_share = 0.01;
    in.pacing.buffered_periods = out.pacing.buffered_periods = 3;
    const auto card = join(in, out);
    ListeningUser user;
    const StopAtEnd stop_at_end{*card};
    card->start(user);
    time.run_for(30);
    EXPECT_NEAR(card->bridge()->delay_frames(), card->bridge()->target_delay_frames(), 128);
    EXPECT_EQ(card->bridge()->dropped_frames(), 0U);
    EXPECT_GT(user.count(CardEvent::xrun), 0);
}

TEST(JoinedCard, CountsGoOnWhenItIsStartedAgain) {
    VirtualTime time;
    auto in = microphone(time, 0);
    in.pacing.jitter_us = 20'000;  // many blocks late
    const auto card = join(in, ear(time, 0));
    ListeningUser user;
    const StopAtEnd stop_at_end{*card};
    card->start(user);
    time.run_for(5);
    const auto first = card->clocks().value();
    ASSERT_GT(first.under_runs, 0U);
    EXPECT_EQ(first.under_runs, card->bridge()->under_runs());
    card->stop();
    card->start(user);
    time.run_for(5);
    const auto both = card->clocks().value();
    EXPECT_GT(card->bridge()->under_runs(), 0U);
    EXPECT_EQ(both.under_runs, first.under_runs + card->bridge()->under_runs());
    EXPECT_EQ(both.recentres, first.recentres + card->bridge()->recentres());
    EXPECT_EQ(both.dropped_frames, first.dropped_frames + card->bridge()->dropped_frames());
}

TEST(JoinedCard, ALostInputIsLostOnceAndComesBack) {
    VirtualTime time;
    auto in = microphone(time, 0);
    in.vanish_after_s = 0.5;
    in.return_after_s = 0.25;
    const auto card = join(in, ear(time, 0));
    ListeningUser user;
    const StopAtEnd stop_at_end{*card};
    card->start(user);
    time.run_for(1);
    EXPECT_EQ(user.count(CardEvent::lost), 1);
    card->stop();
    const auto before = user.blocks();
    card->start(user);
    time.run_for(1);
    EXPECT_EQ(user.count(CardEvent::lost), 1);
    EXPECT_GT(user.blocks(), before + 300);
    EXPECT_EQ(card->bridge()->under_runs(), 0U);
}

TEST(JoinedCard, AnInputThatEndsIsPlayedOutBeforeFinished) {
    const test::TemporaryFolder folder;
    VirtualTime time;
    auto in = microphone(time, 0);
    in.seconds = 1;
    in.pacing.jitter_us = 0;
    auto out = ear(time, 0);
    out.pacing.jitter_us = 0;
    const auto card = join(in, out);
    ListeningUser user;
    std::uint64_t blocks_at_end = 0;
    user.on_process = [&](const CardBlock&) {
        if (user.count(CardEvent::finished) == 0) ++blocks_at_end;
    };
    const StopAtEnd stop_at_end{*card};
    card->start(user);
    time.run_for(2);
    EXPECT_EQ(user.count(CardEvent::finished), 1);
    EXPECT_GE(static_cast<double>(blocks_at_end) * 128, 48'000 + card->bridge()->target_delay_frames());
}

TEST(JoinedCard, TwoPacedCardsWorkTogetherOnTheirOwnThreads) {
    const test::TemporaryFolder folder;
    auto card = JoinedCard(
        std::make_unique<SimCard>(SimSettings{
            .pacing = {.rate_hz = 48'000, .block_frames = 128}, .output_channels = 0, .generator = make_tone}),
        std::make_unique<SimCard>(SimSettings{.pacing = {.rate_hz = 48'000, .block_frames = 256},
                                              .input_channels = 0,
                                              .output_file = folder / "out.wav"}));
    ListeningUser user;
    rt::reset_realtime_counts();
    const StopAtEnd stop_at_end{card};
    card.start(user);
    ASSERT_TRUE(user.wait_for_blocks(60));
    card.stop();
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_THAT(card.description(), testing::HasSubstr("joined to"));
}

}  // namespace
}  // namespace sidetone::device
