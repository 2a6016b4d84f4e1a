// SPDX-License-Identifier: Apache-2.0
#include "stage/equalise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "stage/filter_bank.hpp"
#include "unit/stage/spectrum.hpp"
#include "unit/stage/through_stage.hpp"

namespace sidetone::stage {
namespace {

using Shape = dsp::EqualiserFilter::Shape;

const EqualiserSettings kSettings{.preamp_db = -3,
                                  .filters = {{Shape::low_shelf, 300, 6, 0.7}, {Shape::peaking, 3000, -8, 0.8}}};

double expected_db(const EqualiserSettings& settings, double frequency_hz) {
    double gain = 1;
    for (const auto& biquad : biquads_of(settings, 48'000)) gain *= std::abs(response(biquad, frequency_hz, 48'000));
    return 20 * std::log10(gain);
}

/// Gain of the last 9600 of 24000 frames of a sine.
double gain_db(Stage& stage, double frequency_hz) {
    stage.prepare(test::card(1));
    const auto out = test::through(stage, {test::sine(frequency_hz, 24'000)})[0];
    return 20 * std::log10(std::abs(test::amplitude_at(std::span{out}.last(9'600), frequency_hz)));
}

std::unique_ptr<FilterBankStage> bank_with(std::unique_ptr<SpectralGain> link) {
    std::vector<std::unique_ptr<SpectralGain>> links;
    links.push_back(std::move(link));
    return std::make_unique<FilterBankStage>(FilterBankSettings{}, std::move(links));
}

TEST(EqualiseStage, ResponseIsTheClosedForm) {
    for (const double hz : {50.0, 300.0, 1000.0, 3000.0, 12'000.0}) {
        EqualiseStage stage(kSettings);
        EXPECT_NEAR(gain_db(stage, hz), expected_db(kSettings, hz), 0.01) << hz << " Hz";
        EXPECT_EQ(stage.delay_frames(), 0U);
    }
}

TEST(EqualiseGain, ResponseIsTheClosedFormAsFarAsTheBankResolvesIt) {
    for (const double hz : {50.0, 300.0, 1000.0, 3000.0, 12'000.0}) {
        const auto stage = bank_with(std::make_unique<EqualiseGain>(kSettings));
        EXPECT_NEAR(gain_db(*stage, hz), expected_db(kSettings, hz), 1.0) << hz << " Hz";
    }
}

/// A 250 Hz tone under which the equaliser changes at half time; only what is around the change.
template <class Link>
std::vector<float> under_change(Stage& stage, Link& link, const EqualiserSettings& changed) {
    stage.prepare(test::card(1));
    const auto out = test::through(stage, {test::sine(250, 9'600)}, 64, [&](std::size_t frame) {
        if (frame == 4'800) link.change(changed);
    })[0];
    return {out.begin() + 3'800, out.begin() + 8'300};
}

TEST(EqualiseStage, ChangeWhileSoundRunsMakesNoClick) {
    const EqualiserSettings changed{.preamp_db = -15, .filters = {{Shape::peaking, 250, 12, 1}}};
    EqualiseStage stage(kSettings);
    const auto out = under_change(stage, stage, changed);
    EXPECT_LT(test::power_above_db(out, 3'000), -75);
    EXPECT_NEAR(20 * std::log10(std::abs(test::amplitude_at(std::span{out}.last(960), 250))), expected_db(changed, 250),
                0.1);
}

TEST(EqualiseGain, ChangeWhileSoundRunsMakesNoClick) {
    const EqualiserSettings changed{.preamp_db = -15, .filters = {{Shape::low_shelf, 2000, 12, 1}}};
    auto owned = std::make_unique<EqualiseGain>(kSettings);
    auto& link = *owned;
    const auto stage = bank_with(std::move(owned));
    const auto out = under_change(*stage, link, changed);
    EXPECT_LT(test::power_above_db(out, 3'000), -75);
}

TEST(ASuddenChange, IsWhatTheTestsOfClicksWouldHear) {
    auto out = test::sine(250, 4'500);
    for (std::size_t n = 1'000; n < out.size(); ++n) out[n] *= 0.25F;
    EXPECT_GT(test::power_above_db(out, 3'000), -75);
}

}  // namespace
}  // namespace sidetone::stage
