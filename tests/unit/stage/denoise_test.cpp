// SPDX-License-Identifier: Apache-2.0
#include "stage/denoise.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "dsp/alignment.hpp"
#include "rt/clock.hpp"

namespace sidetone::stage {
namespace {

// Something like a voice: a pulse train through two resonances, in syllables. Enough for the network to let it through.
std::vector<float> voice(std::uint32_t rate_hz, double seconds) {
    std::vector<float> out(static_cast<std::size_t>(seconds * rate_hz));
    double phase = 0, y1 = 0, y2 = 0, z1 = 0, z2 = 0;
    const auto resonance = [&](double x, double hz, double width, double& a, double& b) {
        const double r = std::exp(-M_PI * width / rate_hz);
        const double y = x + 2 * r * std::cos(2 * M_PI * hz / rate_hz) * a - r * r * b;
        b = a;
        a = y;
        return y * (1 - r);
    };
    for (std::size_t i = 0; i < out.size(); ++i) {
        const double t = static_cast<double>(i) / rate_hz;
        phase += (120 + 15 * std::sin(2 * M_PI * 2.1 * t)) / rate_hz;
        double pulse = 0;
        if (phase >= 1) {
            phase -= 1;
            pulse = 1;
        }
        const double syllable = std::max(0.0, std::sin(2 * M_PI * 3 * t));
        const double sound = resonance(pulse, 600, 80, y1, y2) + 0.7 * resonance(pulse, 1700, 120, z1, z2);
        out[i] = static_cast<float>(12 * syllable * sound);
    }
    return out;
}

StageContext offline(std::uint32_t rate_hz, std::uint32_t max_block, std::uint32_t channels = 1) {
    StageContext context;
    context.rate_hz = rate_hz;
    context.block_frames = context.max_block_frames = max_block;
    context.channels = channels;
    context.offline = true;
    return context;
}

// Runs one channel through the stage in blocks whose sizes `next_block` gives.
template <class NextBlock>
std::vector<float> run(DenoiseStage& stage, const std::vector<float>& in, NextBlock next_block) {
    std::vector<float> out(in.size());
    for (std::size_t at = 0; at < in.size();) {
        const auto frames = static_cast<std::uint32_t>(std::min<std::size_t>(next_block(), in.size() - at));
        float* const* claimed = stage.claim_input(frames);
        std::copy_n(&in[at], frames, claimed[0]);
        float* const outs[]{&out[at]};
        stage.process(claimed, outs, frames, {.due_ns = rt::now_ns(), .period_ns = 1e6});
        at += frames;
    }
    return out;
}

DenoiseSettings settings() {
    DenoiseSettings settings;
    settings.model = "dtln";
    return settings;
}

TEST(DenoiseStage, DelayItReportsIsTheDelayOfTheSound) {
    DenoiseStage stage{settings(), 1};
    for (const std::uint32_t rate : {16'000U, 44'100U, 48'000U, 96'000U}) {
        stage.prepare(offline(rate, 256));
        const auto in = voice(rate, 2);
        const auto out = run(stage, in, [] { return 256U; });
        EXPECT_EQ(dsp::delay_by_cross_correlation(in, out, rate / 4), stage.delay_frames()) << rate;
    }
}

TEST(DenoiseStage, SamplesDoNotDependOnHowTheyAreCutIntoBlocks) {
    DenoiseStage stage{settings(), 1};
    for (const std::uint32_t rate : {16'000U, 44'100U, 48'000U}) {
        const auto in = voice(rate, 1);
        stage.prepare(offline(rate, 4096));
        const auto whole = run(stage, in, [] { return 4096U; });
        for (const std::uint32_t block : {1U, 100U, 441U}) {
            stage.prepare(offline(rate, 4096));
            EXPECT_EQ(run(stage, in, [&] { return block; }), whole) << rate << " " << block;
        }
        std::mt19937 random{5};
        stage.prepare(offline(rate, 4096));
        EXPECT_EQ(run(stage, in,
                      [&] {
                          return std::uniform_int_distribution<std::uint32_t>{1, 4096}(random);
                      }),
                  whole)
            << rate;
    }
}

TEST(DenoiseStage, InputThatWasNotClaimedGivesTheSame) {
    DenoiseStage stage{settings(), 1};
    for (const std::uint32_t rate : {16'000U, 48'000U}) {
        const auto in = voice(rate, 0.5);
        stage.prepare(offline(rate, 128));
        const auto claimed = run(stage, in, [] { return 128U; });
        stage.prepare(offline(rate, 128));
        std::vector<float> out(in.size());
        for (std::size_t at = 0; at + 128 <= in.size(); at += 128) {
            const float* const ins[]{&in[at]};
            float* const outs[]{&out[at]};
            stage.process(ins, outs, 128, {.due_ns = rt::now_ns(), .period_ns = 1e6});
        }
        const auto same = in.size() / 128 * 128;
        EXPECT_TRUE(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(same), claimed.begin())) << rate;
    }
}

TEST(DenoiseStage, WithoutAWorkerThatRunsEveryHopIsCoveredAndCounted) {
    auto pipelined = settings();
    pipelined.mode = Mode::pipelined;
    pipelined.on_miss = MissPolicy::bypass;
    DenoiseStage stage{pipelined, 1};
    rt::PredictiveWaiter waiter;
    auto context = offline(48'000, 128);
    context.offline = false;
    context.waiter = &waiter;
    stage.prepare(context);
    ASSERT_NE(stage.work(), nullptr);
    const auto in = voice(48'000, 1);
    const auto out = run(stage, in, [] { return 128U; });
    EXPECT_GT(stage.misses(), 100U);
    // The dry sound is heard, at the delay that was promised.
    EXPECT_EQ(dsp::delay_by_cross_correlation(in, out, 12'000), stage.delay_frames());
}

TEST(DenoiseStage, ChannelsAreIndependent) {
    DenoiseStage mono{settings(), 1}, stereo{settings(), 2};
    const auto left = voice(48'000, 0.5);
    std::vector<float> right(left.rbegin(), left.rend());
    mono.prepare(offline(48'000, 128));
    const auto expected = run(mono, left, [] { return 128U; });
    stereo.prepare(offline(48'000, 128, 2));
    std::vector<float> out_left(left.size()), out_right(left.size());
    for (std::size_t at = 0; at + 128 <= left.size(); at += 128) {
        const float* const ins[]{&left[at], &right[at]};
        float* const outs[]{&out_left[at], &out_right[at]};
        stereo.process(ins, outs, 128, {.due_ns = rt::now_ns(), .period_ns = 1e6});
    }
    const auto same = static_cast<std::ptrdiff_t>(left.size() / 128 * 128);
    EXPECT_TRUE(std::equal(out_left.begin(), out_left.begin() + same, expected.begin()));
    EXPECT_FALSE(std::equal(out_right.begin(), out_right.begin() + same, expected.begin()));
}

}  // namespace
}  // namespace sidetone::stage
