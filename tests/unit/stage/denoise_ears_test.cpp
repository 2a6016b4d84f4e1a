// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "stage/denoise_gain.hpp"
#include "stage/filter_bank.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/stage/through_stage.hpp"

namespace sidetone::stage {
namespace {

constexpr std::uint32_t kRateHz = 48'000;

/// Looks at the gains that the link before it has made.
class GainProbe final : public SpectralGain {
public:
    [[nodiscard]] const char* kind() const noexcept override { return "probe"; }
    void prepare(const SpectralContext& context) override { context_ = context; }
    void process(const SpectralHop& hop) noexcept override {
        for (std::uint32_t k = 0; k < context_.bins; ++k) {
            differ += hop.gains[0][k] != hop.gains[1][k] ? 1U : 0U;
            below_one += hop.gains[0][k] < 0.5F ? 1U : 0U;
        }
    }
    std::size_t differ = 0, below_one = 0;

private:
    SpectralContext context_;
};

struct Bank {
    FilterBankStage stage;
    const GainProbe* probe;
};

Bank bank_with(DenoiseEars ears) {
    DenoiseGainSettings denoise;
    denoise.model = "dtln";
    denoise.ears = ears;
    auto probe = std::make_unique<GainProbe>();
    const auto* seen = probe.get();
    std::vector<std::unique_ptr<SpectralGain>> links;
    links.push_back(std::make_unique<DenoiseGain>(denoise, 2));
    links.push_back(std::move(probe));
    return {FilterBankStage{{}, std::move(links)}, seen};
}

test::Channels heard(Bank& bank, const test::Channels& in) {
    auto context = test::card(2);
    context.offline = true;
    bank.stage.prepare(context);
    return test::through(bank.stage, in);
}

/// A tone that comes and goes in noise, from one side: the other ear has it `frames` later and at `gain`; noise is each
/// ear's own.
test::Channels from_one_side(std::size_t frames, float gain) {
    const auto left_noise = dsp::test::white_noise(kRateHz, 1, 0.05F);
    const auto right_noise = dsp::test::white_noise(kRateHz, 2, 0.05F);
    test::Channels ears{left_noise, right_noise};
    for (std::size_t n = frames; n < ears[0].size(); ++n) {
        const auto tone = [](std::size_t at) {
            const bool on = at / 4800 % 2 == 0;
            return on ? 0.2F * static_cast<float>(std::sin(0.06 * static_cast<double>(at))) : 0.0F;
        };
        ears[0][n] += tone(n);
        ears[1][n] += gain * tone(n - frames);
    }
    return ears;
}

TEST(DenoiseEars, LinkedGainsAreTheSameOnBothAndIndependentOnesAreNot) {
    const auto in = from_one_side(30, 0.4F);
    auto linked = bank_with(DenoiseEars::linked);
    (void)heard(linked, in);
    EXPECT_EQ(linked.probe->differ, 0U);
    EXPECT_GT(linked.probe->below_one, 0U);
    auto independent = bank_with(DenoiseEars::independent);
    (void)heard(independent, in);
    EXPECT_GT(independent.probe->differ, 0U);
}

TEST(DenoiseEars, LinkedKeepsTheLevelDifferenceOfEveryMoment) {
    auto in = from_one_side(0, 1);
    constexpr float kOtherEar = 0.25F;  // a power of two: the same digits
    for (std::size_t n = 0; n < in[0].size(); ++n) in[1][n] = kOtherEar * in[0][n];
    auto linked = bank_with(DenoiseEars::linked);
    const auto out = heard(linked, in);
    double energy = 0;
    for (std::size_t n = 0; n < out[0].size(); ++n) {
        ASSERT_NEAR(out[1][n], kOtherEar * out[0][n], 1e-7) << n;
        energy += static_cast<double>(out[0][n] * out[0][n]);
    }
    EXPECT_GT(energy, 0);
}

TEST(DenoiseEars, EarsThatHearTheSameGetWhatIndependentOnesGet) {
    auto in = from_one_side(0, 1);
    in[1] = in[0];
    auto linked = bank_with(DenoiseEars::linked);
    auto independent = bank_with(DenoiseEars::independent);
    EXPECT_EQ(heard(linked, in), heard(independent, in));
}

}  // namespace
}  // namespace sidetone::stage
