// SPDX-License-Identifier: Apache-2.0
#include "stage/denoise_gain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "dsp/alignment.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/waiter.hpp"
#include "stage/filter_bank.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::stage {
namespace {

DenoiseGainSettings settings() {
    DenoiseGainSettings settings;
    settings.model = "dtln";
    return settings;
}

FilterBankStage bank_with(const DenoiseGainSettings& denoise, std::uint32_t channels = 1) {
    std::vector<std::unique_ptr<SpectralGain>> links;
    links.push_back(std::make_unique<DenoiseGain>(denoise, channels));
    return FilterBankStage{{}, std::move(links)};
}

StageContext offline(std::uint32_t rate_hz, std::uint32_t block) {
    return {.rate_hz = rate_hz, .block_frames = block, .max_block_frames = block, .channels = 1, .offline = true};
}

std::vector<float> run(Stage& stage, const std::vector<float>& in, std::uint32_t block) {
    std::vector<float> out(in.size());
    for (std::size_t at = 0; at < in.size(); at += block) {
        const auto frames = static_cast<std::uint32_t>(std::min<std::size_t>(block, in.size() - at));
        const float* const ins[]{&in[at]};
        float* const outs[]{&out[at]};
        stage.process(ins, outs, frames, {.due_ns = rt::now_ns(), .period_ns = 1e6});
    }
    return out;
}

double power_db(const std::vector<float>& signal, std::size_t from) {
    double sum = 0;
    for (auto n = from; n < signal.size(); ++n) sum += std::pow(static_cast<double>(signal[n]), 2);
    return 10 * std::log10(sum / static_cast<double>(signal.size() - from));
}

TEST(DenoiseGain, NoiseAloneIsTurnedDownWithoutDelayingIt) {
    for (const std::uint32_t rate : {16'000U, 44'100U, 48'000U}) {
        auto stage = bank_with(settings());
        stage.prepare(offline(rate, 128));
        const auto in = dsp::test::white_noise(2 * rate, rate, 0.1F);
        const auto out = run(stage, in, 128);
        EXPECT_LT(power_db(out, rate) - power_db(in, rate), -10) << rate;
        auto bare = FilterBankStage{{}, {}};
        bare.prepare(offline(rate, 128));
        EXPECT_EQ(stage.delay_frames(), bare.delay_frames());
        EXPECT_EQ(stage.misses(), 0U);
    }
}

TEST(DenoiseGain, SamplesDoNotDependOnHowTheyAreCutIntoBlocks) {
    auto denoise = settings();
    for (const std::uint32_t copies : {1U, 4U}) {
        denoise.copies = copies;
        auto stage = bank_with(denoise);
        const auto in = dsp::test::white_noise(16'000, 5, 0.1F);
        stage.prepare(offline(44'100, 4096));
        const auto whole = run(stage, in, 4096);
        for (const std::uint32_t block : {48U, 441U}) {
            stage.prepare(offline(44'100, 4096));
            EXPECT_EQ(run(stage, in, block), whole) << block;
        }
    }
}

TEST(DenoiseGain, StrengthIsTheMostThatIsTakenAway) {
    auto denoise = settings();
    denoise.strength_db = 6;
    auto stage = bank_with(denoise);
    stage.prepare(offline(48'000, 128));
    const auto in = dsp::test::white_noise(96'000, 6, 0.1F);
    const auto change = power_db(run(stage, in, 128), 48'000) - power_db(in, 48'000);
    EXPECT_LT(change, -4);
    EXPECT_GT(change, -6.1);
}

TEST(DenoiseGain, DryIsTheInput) {
    auto denoise = settings();
    denoise.wet = 0;
    auto stage = bank_with(denoise);
    stage.prepare(offline(48'000, 128));
    const auto in = dsp::test::white_noise(24'000, 7, 0.1F);
    const auto out = run(stage, in, 128);
    for (std::size_t n = 5000; n < out.size(); ++n) ASSERT_NEAR(out[n], in[n - stage.delay_frames()], 1e-5);
}

// A worker that does what waits only when it is told.
TEST(DenoiseGain, LateGainsAreHeldThenGoToUnityAndAreCounted) {
    auto denoise = settings();
    denoise.mode = Mode::pipelined;
    denoise.copies = 1;
    auto stage = bank_with(denoise);
    rt::PredictiveWaiter waiter;
    auto context = offline(48'000, 48);
    context.offline = false;
    context.waiter = &waiter;
    stage.prepare(context);
    ASSERT_NE(stage.work(), nullptr);
    const auto in = dsp::test::white_noise(96'000, 8, 0.1F);
    std::vector<float> out(in.size());
    constexpr std::size_t kWorkerStops = 48'000;
    for (std::size_t at = 0; at < in.size(); at += 48) {
        const float* const ins[]{&in[at]};
        float* const outs[]{&out[at]};
        stage.process(ins, outs, 48, {.due_ns = rt::now_ns(), .period_ns = 1e6});
        if (at >= kWorkerStops) continue;
        EXPECT_EQ(stage.misses(), 0U);
        while (stage.work()->run_next()) {
        }
    }
    const auto level = [&](std::size_t from, std::size_t to) {
        return power_db(
                   {out.begin() + static_cast<std::ptrdiff_t>(from), out.begin() + static_cast<std::ptrdiff_t>(to)},
                   0) -
               power_db(in, 0);
    };
    EXPECT_LT(level(44'000, kWorkerStops), -10);
    EXPECT_LT(level(kWorkerStops, kWorkerStops + 1200), -10);  // held
    EXPECT_NEAR(level(kWorkerStops + 15'000, 96'000), 0, 0.1);
    EXPECT_NEAR(static_cast<double>(stage.misses()), 125, 2);  // a second of hops of 8 ms
}

TEST(DenoiseGain, ModelWithoutAMaskIsRefused) {
    auto vad = settings();
    vad.model = "silero-vad";
    EXPECT_THROW(bank_with(vad), InputError);
}

}  // namespace
}  // namespace sidetone::stage
