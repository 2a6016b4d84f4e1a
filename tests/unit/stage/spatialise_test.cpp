// SPDX-License-Identifier: Apache-2.0
#include "stage/spatialise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "rt/guard.hpp"

namespace sidetone::stage {
namespace {

constexpr std::uint32_t kRateHz = 48'000;
constexpr std::uint32_t kBlock = 64;

/// Ears 9 cm to either side; the far one hears less.
dsp::HrirSet some_head(float gain = 1) {
    std::vector<dsp::HrirSet::Measurement> measurements;
    for (double azimuth = 0; azimuth < 360; azimuth += 15) {
        const double left = std::sin(azimuth * std::numbers::pi / 180);
        dsp::EarPair ears;
        for (std::size_t ear = 0; ear < 2; ++ear) {
            const double near = ear == 0 ? left : -left;
            std::vector<float> click(128);
            click[40] = gain * static_cast<float>(1 + 0.5 * near);
            click[44] = -0.2F * gain;
            ears[ear] = dsp::shifted(click, -12 * near);
        }
        measurements.push_back({{azimuth, 0}, ears});
    }
    return {kRateHz, std::move(measurements), "some head"};
}

SpatialiseStage make_stage(double fade_ms = 20) {
    return SpatialiseStage({.set = some_head(),
                            .speakers = dsp::speakers_of("7.1", dsp::ChannelOrder::wav),
                            .head = {},
                            .lfe_db = 0,
                            .fade_ms = fade_ms});
}

StageContext context(std::uint32_t block = kBlock) {
    return {.rate_hz = kRateHz, .block_frames = block, .max_block_frames = 4096, .channels = 8};
}

using Channels = std::vector<std::vector<float>>;

/// A tone of 500 Hz in one channel.
Channels tone(std::size_t channel, std::size_t frames) {
    Channels in(8, std::vector<float>(frames));
    for (std::size_t n = 0; n < frames; ++n) {
        in[channel][n] = static_cast<float>(std::sin(2 * std::numbers::pi * 500 * static_cast<double>(n) / kRateHz));
    }
    return in;
}

/// Runs `in` through; `before_block(first frame)` comes before each block.
template <class BeforeBlock>
Channels run(SpatialiseStage& stage, const Channels& in, std::size_t block, BeforeBlock before_block) {
    const std::size_t frames = in.front().size();
    Channels out(8, std::vector<float>(frames, 1.0F));
    for (std::size_t first = 0; first < frames; first += block) {
        before_block(first);
        std::vector<const float*> from;
        std::vector<float*> to;
        for (std::size_t c = 0; c < 8; ++c) {
            from.push_back(in[c].data() + first);
            to.push_back(out[c].data() + first);
        }
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        stage.process(from.data(), to.data(), static_cast<std::uint32_t>(std::min(block, frames - first)), {});
    }
    return out;
}

constexpr auto nothing = [](std::size_t) {};

/// The largest second difference: a click is a jump, and a tone of 500 Hz has only small ones.
double roughness(const std::vector<float>& signal, std::size_t begin) {
    double largest = 0;
    for (std::size_t n = begin + 2; n < signal.size(); ++n) {
        largest = std::max(largest, std::abs(static_cast<double>(signal[n] - 2 * signal[n - 1] + signal[n - 2])));
    }
    return largest;
}

TEST(Spatialise, GivesEachEarTheResponseFromTheSpeaker) {
    auto stage = make_stage();
    stage.prepare(context());
    Channels in(8, std::vector<float>(512));
    in[6][100] = 1;  // side left
    const auto out = run(stage, in, kBlock, nothing);
    const auto expected = some_head().at({90, 0});
    for (std::size_t ear = 0; ear < 2; ++ear) {
        for (std::size_t n = 0; n < 128; ++n) ASSERT_NEAR(out[ear][100 + n], expected[ear][n], 1e-5);
    }
    for (std::size_t c = 2; c < 8; ++c) EXPECT_EQ(out[c], std::vector<float>(512)) << c;
}

double energy(const std::vector<float>& signal) {
    double sum = 0;
    for (const float sample : signal) sum += static_cast<double>(sample) * static_cast<double>(sample);
    return sum;
}

/// Half a second of noise from all speakers.
Channels noise() {
    std::mt19937 random{7};
    std::normal_distribution<float> normal{0, 0.1F};
    Channels in(8, std::vector<float>(kRateHz / 2));
    for (auto& channel : in) {
        for (auto& sample : channel) sample = normal(random);
    }
    return in;
}

SpatialiseSettings some_settings() {
    return {.set = some_head(), .speakers = dsp::speakers_of("7.1", dsp::ChannelOrder::wav), .head = {}};
}

Channels played(SpatialiseSettings settings, const Channels& in) {
    SpatialiseStage stage{std::move(settings)};
    stage.prepare(context());
    return run(stage, in, kBlock, nothing);
}

TEST(Spatialise, BalanceTakesFromOneEarOnly) {
    const auto in = noise();
    const auto even = played(some_settings(), in);
    for (const double balance_db : {6.0, -12.0}) {
        auto settings = some_settings();
        settings.balance_db = balance_db;
        const auto out = played(std::move(settings), in);
        const std::size_t weaker = balance_db > 0 ? 0 : 1;
        EXPECT_NEAR(10 * std::log10(energy(even[weaker]) / energy(out[weaker])), std::abs(balance_db), 0.01);
        EXPECT_NEAR(energy(out[1 - weaker]) / energy(even[1 - weaker]), 1, 1e-6);
    }
}

TEST(Spatialise, IsAsLoudWhateverTheLevelOfTheSet) {
    const auto in = noise();
    const auto played_by = [&](float gain) {
        auto settings = some_settings();
        settings.set = some_head(gain);
        settings.same_loudness = true;
        return energy(played(std::move(settings), in)[0]);
    };
    const double once = played_by(1);
    for (const float gain : {0.2F, 4.0F}) EXPECT_NEAR(10 * std::log10(played_by(gain) / once), 0, 0.02);
    EXPECT_GT(10 * std::log10(energy(played(some_settings(), in)[0]) / once), 1)
        << "some head is louder than a downmix";
}

TEST(Spatialise, SoundsTheSameInAnyBlocks) {
    const auto in = tone(4, 4000);
    auto stage = make_stage();
    stage.prepare(context());
    const auto expected = run(stage, in, kBlock, nothing);
    for (const std::size_t block : {1U, 37U, 480U, 4000U}) {
        stage.prepare(context());
        const auto out = run(stage, in, block, nothing);
        for (std::size_t ear = 0; ear < 2; ++ear) {
            for (std::size_t n = 0; n < 4000; ++n) ASSERT_NEAR(out[ear][n], expected[ear][n], 1e-5) << block;
        }
    }
}

TEST(Spatialise, PlaysASetOfAnotherRate) {
    auto stage = make_stage();
    stage.prepare({.rate_hz = 4 * kRateHz, .block_frames = kBlock, .max_block_frames = 4096, .channels = 8});
    stage.turn_head({.yaw_deg = -37});
    Channels in(8, std::vector<float>(40'000));
    in[0][30'000] = 1;  // front left, seen 67 degrees to the left
    const auto out = run(stage, in, kBlock, nothing);
    const auto expected = dsp::ResponseResampler(kRateHz, 4 * kRateHz).resampled(some_head().at({67, 0}));
    ASSERT_EQ(expected[0].size(), 512U);
    for (std::size_t ear = 0; ear < 2; ++ear) {
        for (std::size_t n = 0; n < 512; ++n) ASSERT_NEAR(out[ear][30'000 + n], expected[ear][n], 1e-5);
    }
}

// A room of half a second behind the head, which is what a helper is for.
TEST(Spatialise, HasAHelperLiveOnly) {
    std::vector<dsp::HrirSet::Measurement> room;
    for (const double azimuth : {0.0, 90.0, 180.0, 270.0}) {
        dsp::EarPair ears{std::vector<float>(kRateHz / 2), std::vector<float>(kRateHz / 2)};
        for (auto& ear : ears) ear[30] = 1, ear.back() = 0.5F;
        room.push_back({{azimuth, 0}, ears});
    }
    const auto make = [&](bool helper) {
        return SpatialiseStage({.set = {kRateHz, room, "room"},
                                .speakers = dsp::speakers_of("7.1", dsp::ChannelOrder::wav),
                                .head = {},
                                .helper = helper});
    };
    auto offline = context();
    offline.offline = true;
    auto alone = make(false), helped = make(true), processed = make(true);
    alone.prepare(context());
    helped.prepare(context());
    processed.prepare(offline);
    EXPECT_TRUE(helped.decision().ends_with(", with a helper thread")) << helped.decision();
    EXPECT_EQ(alone.decision().find("helper"), std::string::npos);
    EXPECT_EQ(processed.decision().find("helper"), std::string::npos);

    const auto in = tone(0, kRateHz / 2 + 4800);
    const auto expected = run(alone, in, kBlock, nothing);
    EXPECT_EQ(run(processed, in, kBlock, nothing), expected);
    EXPECT_EQ(processed.misses(), 0U);
    (void)run(helped, in, kBlock, nothing);
    EXPECT_GT(helped.misses(), 0U) << "nobody paced it, so the helper came too late, which counts";
}

TEST(Spatialise, TurnsWithTheHead) {
    auto stage = make_stage();
    stage.prepare(context());
    stage.turn_head({.yaw_deg = 30});
    Channels in(8, std::vector<float>(6000));
    in[0][5000] = 1;  // front left: now in front
    const auto out = run(stage, in, kBlock, nothing);
    for (std::size_t n = 5000; n < 5128; ++n) ASSERT_NEAR(out[0][n], out[1][n], 1e-5);
}

TEST(Spatialise, DoesNotClickAtAHundredChangesASecond) {
    const auto in = tone(0, kRateHz);
    auto stage = make_stage();
    stage.prepare(context());
    const auto steady = run(stage, in, kBlock, nothing);
    stage.prepare(context());
    double yaw = 0;
    rt::reset_realtime_counts();
    const auto out = run(stage, in, kBlock, [&](std::size_t first) {
        if (first / 480 != (first + kBlock) / 480) stage.turn_head({.yaw_deg = yaw += 5});
    });
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
    // The tone is loudest, and roughest, from the ear's own side. A jump by a hundredth of it would be twice as rough.
    const double loudest = 1.5 / 0.75 * std::min(roughness(steady[0], 1000), roughness(steady[1], 1000));
    for (std::size_t ear = 0; ear < 2; ++ear) EXPECT_LT(roughness(out[ear], 1000), 1.5 * loudest);
}

TEST(Spatialise, KeepsItsPowerWhileItFades) {
    const auto in = tone(2, 20'000);
    auto stage = make_stage(50);
    stage.prepare(context());
    const auto out = run(stage, in, kBlock, [&](std::size_t first) {
        if (first == 9600) stage.change_set(some_head(0.99F));
    });
    // Periods of the tone, from before the fade to after it.
    double least = 1e9;
    double most = 0;
    for (std::size_t first = 4800; first + 96 < out[0].size(); first += 96) {
        double power = 0;
        for (std::size_t n = first; n < first + 96; ++n) power += std::pow(static_cast<double>(out[0][n]), 2);
        least = std::min(least, power);
        most = std::max(most, power);
    }
    EXPECT_LT(10 * std::log10(most / least), 0.2);
}

TEST(Spatialise, LetsTheLastOfSeveralChangesWin) {
    auto stage = make_stage();
    stage.prepare(context());
    for (const double yaw : {10.0, 20.0, 90.0}) stage.turn_head({.yaw_deg = yaw});
    Channels in(8, std::vector<float>(6000));
    in[6][5000] = 1;  // side left: now in front
    const auto out = run(stage, in, kBlock, nothing);
    for (std::size_t n = 5000; n < 5128; ++n) ASSERT_NEAR(out[0][n], out[1][n], 1e-5);
}

}  // namespace
}  // namespace sidetone::stage
