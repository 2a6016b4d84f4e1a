// SPDX-License-Identifier: Apache-2.0
#include "stage/filter_bank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "dsp/alignment.hpp"
#include "rt/clock.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::stage {
namespace {

StageContext live(std::uint32_t rate_hz, std::uint32_t block, std::uint32_t channels = 1) {
    return {.rate_hz = rate_hz, .block_frames = block, .max_block_frames = block, .channels = channels};
}

// Runs one channel through the stage in blocks whose sizes `next_block` gives.
template <class NextBlock>
std::vector<float> run(Stage& stage, const std::vector<float>& in, NextBlock next_block) {
    std::vector<float> out(in.size());
    for (std::size_t at = 0; at < in.size();) {
        const auto frames = static_cast<std::uint32_t>(std::min<std::size_t>(next_block(), in.size() - at));
        const float* const ins[]{&in[at]};
        float* const outs[]{&out[at]};
        stage.process(ins, outs, frames, {.due_ns = rt::now_ns(), .period_ns = 1e6});
        at += frames;
    }
    return out;
}

// The error's level below the input's, once the first `delay` frames are through.
double error_db(const std::vector<float>& in, const std::vector<float>& out, std::size_t delay) {
    double error = 0, power = 0;
    for (std::size_t n = delay; n < out.size(); ++n) {
        const auto wanted = static_cast<double>(in[n - delay]);
        error += std::pow(static_cast<double>(out[n]) - wanted, 2);
        power += wanted * wanted;
    }
    return 10 * std::log10(error / power);
}

// A link that multiplies what it is told, and counts what it is shown.
class FixedGain final : public SpectralGain {
public:
    explicit FixedGain(float gain, std::uint32_t from_bin = 0) : gain_(gain), from_bin_(from_bin) {}

    [[nodiscard]] const char* kind() const noexcept override { return "fixed"; }
    void prepare(const SpectralContext& context) override { context_ = context; }
    void begin_block(std::uint32_t frames, const BlockTime& /*time*/) noexcept override { frames_ += frames; }
    void process(const SpectralHop& hop) noexcept override {
        ++hops_;
        for (std::uint32_t c = 0; c < context_.stage.channels; ++c) {
            for (auto k = from_bin_; k < context_.bins; ++k) hop.gains[c][k] *= gain_;
            newest_ = hop.samples[c][context_.hop_frames - 1];
        }
    }
    [[nodiscard]] std::uint64_t misses() const noexcept override { return hops_; }
    [[nodiscard]] std::string decision() const override { return "decided"; }

    SpectralContext context_;
    std::uint64_t frames_ = 0, hops_ = 0;
    float newest_ = 0;

private:
    float gain_;
    std::uint32_t from_bin_;
};

TEST(FilterBankStage, WithoutLinksTheOutputIsTheInputDelayed) {
    for (const std::uint32_t rate : {16'000U, 44'100U, 48'000U, 96'000U, 192'000U}) {
        for (const std::uint32_t block : {48U, 64U, 128U, 441U}) {
            FilterBankStage stage{{}, {}};
            stage.prepare(live(rate, block));
            const auto in = dsp::test::white_noise(rate / 4, rate + block, 0.1F);
            const auto out = run(stage, in, [&] { return block; });
            EXPECT_LT(error_db(in, out, stage.delay_frames()), -80) << rate << " Hz, " << block;
        }
    }
}

TEST(FilterBankStage, DelayIsSynthesisLessHopAndWhatBlocksLeaveIncomplete) {
    for (const std::uint32_t block : {16U, 48U, 64U, 96U, 100U, 480U}) {
        FilterBankStage stage{{.synthesis_ms = 2}, {}};
        stage.prepare(live(48'000, block));
        EXPECT_EQ(stage.delay_frames(), 96 - 48 + 48 - std::gcd(48U, block));
        const auto in = dsp::test::white_noise(24'000, block, 0.1F);
        EXPECT_EQ(dsp::delay_by_cross_correlation(in, run(stage, in, [&] { return block; }), 1000),
                  stage.delay_frames());
    }
}

TEST(FilterBankStage, BlocksOfAnySizeNeverWaitForAHop) {
    auto context = live(48'000, 128);
    context.max_block_frames = 777;
    context.fixed_block = false;
    FilterBankStage stage{{}, {}};
    stage.prepare(context);
    EXPECT_EQ(stage.delay_frames(), 192U - 48 + 47);
    std::mt19937 random{3};
    const auto in = dsp::test::white_noise(48'000, 4, 0.1F);
    const auto out = run(stage, in, [&] { return std::uniform_int_distribution<std::uint32_t>{1, 777}(random); });
    EXPECT_LT(error_db(in, out, stage.delay_frames()), -80);
}

TEST(FilterBankStage, SamplesDoNotDependOnHowTheyAreCutIntoBlocks) {
    auto context = live(44'100, 4096);
    context.offline = true;
    std::vector<std::unique_ptr<SpectralGain>> links;
    links.push_back(std::make_unique<FixedGain>(0.25F, 100));
    FilterBankStage stage{{}, std::move(links)};
    const auto in = dsp::test::white_noise(20'000, 6, 0.1F);
    stage.prepare(context);
    const auto whole = run(stage, in, [] { return 4096U; });
    for (const std::uint32_t block : {1U, 44U, 100U, 441U}) {
        stage.prepare(context);
        EXPECT_EQ(run(stage, in, [&] { return block; }), whole) << block;
    }
}

TEST(FilterBankStage, OutputMayOverwriteTheInput) {
    const auto in = dsp::test::white_noise(9600, 7, 0.1F);
    FilterBankStage stage{{}, {}};
    stage.prepare(live(48'000, 100));
    const auto apart = run(stage, in, [] { return 100U; });
    stage.prepare(live(48'000, 100));
    auto sound = in;
    for (std::size_t at = 0; at + 100 <= sound.size(); at += 100) {
        float* const planes[]{&sound[at]};
        stage.process(planes, planes, 100, {});
    }
    EXPECT_EQ(sound, apart);
}

TEST(FilterBankStage, GainsOfAllLinksMultiply) {
    auto half = std::make_unique<FixedGain>(0.5F), quarter = std::make_unique<FixedGain>(0.25F);
    const auto* seen = half.get();
    std::vector<std::unique_ptr<SpectralGain>> links;
    links.push_back(std::move(half));
    links.push_back(std::move(quarter));
    FilterBankStage stage{{}, std::move(links)};
    stage.prepare(live(48'000, 128));
    const auto in = dsp::test::white_noise(12'800, 8, 0.1F);
    auto out = run(stage, in, [] { return 128U; });
    for (auto& sample : out) sample *= 8;
    EXPECT_LT(error_db(in, out, stage.delay_frames()), -80);
    EXPECT_EQ(seen->context_.bins, 769U);
    EXPECT_EQ(seen->context_.analysis_frames, 1536U);
    EXPECT_EQ(seen->context_.synthesis_frames, 192U);
    EXPECT_EQ(seen->frames_, in.size());
    EXPECT_EQ(seen->hops_, in.size() / 48);
    EXPECT_EQ(seen->newest_, in[in.size() / 48 * 48 - 1]);
    EXPECT_EQ(stage.misses(), 2 * seen->hops_);
    EXPECT_EQ(stage.decision(), "decided; decided");
    EXPECT_EQ(stage.parts().size(), 2U);
    EXPECT_EQ(stage.work(), nullptr);
}

class FilterBankWithFilter : public testing::TestWithParam<FilterBankSettings> {};
INSTANTIATE_TEST_SUITE_P(Outputs, FilterBankWithFilter,
                         testing::Values(FilterBankSettings{.output = BankOutput::minimum_phase},
                                         FilterBankSettings{.output = BankOutput::causal_wiener},
                                         FilterBankSettings{.output = BankOutput::causal_wiener, .delay_ms = 1}));

TEST_P(FilterBankWithFilter, HasEqualGainsExactlyAndTheDelayThatWasSet) {
    const auto delay = static_cast<std::size_t>(std::lround(48 * GetParam().delay_ms));
    for (const std::uint32_t block : {37U, 48U, 128U}) {
        std::vector<std::unique_ptr<SpectralGain>> links;
        links.push_back(std::make_unique<FixedGain>(0.5F));
        FilterBankStage stage{GetParam(), std::move(links)};
        stage.prepare(live(48'000, block));
        EXPECT_EQ(stage.delay_frames(), delay);
        const auto in = dsp::test::white_noise(9600, block, 0.1F);
        auto sound = in;
        for (std::size_t at = 0; at + block <= sound.size(); at += block) {
            float* const planes[]{&sound[at]};
            stage.process(planes, planes, block, {});
        }
        for (std::size_t n = 200; n < 9600 - block; ++n) ASSERT_NEAR(sound[n], 0.5F * in[n - delay], 1e-5) << n;
    }
}

TEST(FilterBankStage, WindowsScaleWithTheRate) {
    const auto expect = [](const FilterBankSettings& settings, std::uint32_t rate, std::size_t analysis,
                           std::size_t synthesis, std::size_t hop) {
        const auto windows = filter_bank_windows(settings, rate);
        EXPECT_EQ(windows.analysis, analysis) << rate;
        EXPECT_EQ(windows.synthesis, synthesis) << rate;
        EXPECT_EQ(windows.hop, hop) << rate;
    };
    expect({}, 48'000, 1536, 192, 48);
    expect({}, 16'000, 512, 64, 16);
    expect({}, 44'100, 1440, 176, 44);
    expect({}, 96'000, 3072, 384, 96);
    expect({}, 192'000, 4096, 768, 192);
    expect({.synthesis_ms = 2}, 48'000, 1536, 96, 48);
    expect({.synthesis_ms = 3}, 44'100, 1440, 132, 44);
    expect({.synthesis_ms = 2.75, .hop_ms = 0.907}, 11'025, 384, 30, 10);
}

TEST(FilterBankStage, AnySettingsInRangeMakeABank) {
    for (const std::uint32_t rate : {8'000U, 11'025U, 44'100U, 192'000U}) {
        for (const double analysis : {4.0, 32.0, 80.0}) {
            for (const double synthesis : {1.0, 3.3, 40.0}) {
                for (const double hop : {0.25, 1.0, 10.0}) {
                    const FilterBankSettings settings{analysis, synthesis, hop};
                    EXPECT_NO_THROW((void)dsp::AsymmetricFilterBank{filter_bank_windows(settings, rate)})
                        << rate << " " << analysis << " " << synthesis << " " << hop;
                }
            }
        }
    }
}

}  // namespace
}  // namespace sidetone::stage
