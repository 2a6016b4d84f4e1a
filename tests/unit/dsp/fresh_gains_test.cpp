// SPDX-License-Identifier: Apache-2.0
#include "dsp/fresh_gains.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::size_t kBins = 64;
using Spectrum = std::vector<std::complex<float>>;

Spectrum noise(std::uint32_t seed, float level) {
    const auto samples = test::white_noise(2 * kBins, seed, level);
    Spectrum bins(kBins);
    for (std::size_t k = 0; k < kBins; ++k) bins[k] = {samples[2 * k], samples[2 * k + 1]};
    return bins;
}

Spectrum scaled(Spectrum bins, float by) {
    for (auto& bin : bins) bin *= by;
    return bins;
}

float mean(const std::vector<float>& gains) {
    return std::accumulate(gains.begin(), gains.end(), 0.0F) / static_cast<float>(gains.size());
}

TEST(FreshGains, AreOneWhereNothingWasTakenOff) {
    FreshGains fresh{kBins};
    std::vector<float> gains(kBins);
    for (std::uint32_t n = 0; n < 20; ++n) {
        const auto sound = noise(n + 1, 0.1F);
        fresh.update(sound.data(), sound.data(), noise(n + 2, 0.1F).data(), gains.data());
        for (const float gain : gains) ASSERT_NEAR(gain, 1, 1e-3);
    }
}

TEST(FreshGains, FallWithSteadyNoiseAndRiseWithASoundThatHasJustBegun) {
    FreshGains fresh{kBins};
    std::vector<float> gains(kBins);
    for (std::uint32_t n = 0; n < 60; ++n) {
        const auto heard = noise(n + 1, 0.1F);
        fresh.update(heard.data(), scaled(heard, 0.1F).data(), noise(n + 3, 0.1F).data(), gains.data());
    }
    const auto in_noise = mean(gains);
    EXPECT_LT(in_noise, 0.2F);
    const auto heard = noise(100, 0.1F);
    fresh.update(heard.data(), scaled(heard, 0.1F).data(), noise(101, 1.0F).data(), gains.data());
    EXPECT_GT(mean(gains), 1.5F * in_noise);
    for (const float gain : gains) EXPECT_LE(gain, 1.0F);
}

TEST(FreshGains, AreToldWithWhatIsKnownOfTheNewestFrame) {
    FreshGains fresh{kBins};
    std::vector<float> gains(kBins), evidence(3 * 8);
    const Spectrum before(kBins, {0, 2}), after(kBins, {0, 0.5F}), newest(kBins, {3, 0});
    fresh.update(before.data(), after.data(), newest.data(), gains.data());
    fresh.update(before.data(), after.data(), newest.data(), gains.data());
    fresh.describe(8, evidence.data());
    const double noise = (0.9 * 0.1 + 0.1) * 1.5 * 1.5;  // two frames into its running mean
    for (std::size_t k = 0; k < 8; ++k) {
        EXPECT_NEAR(evidence[k], std::log10(9 / noise), 1e-3);
        EXPECT_NEAR(evidence[8 + k], std::log10(0.25 / noise), 1e-3);
        EXPECT_NEAR(evidence[16 + k], 0.25, 1e-6);
    }
    const Spectrum silence(kBins);
    fresh.reset();
    fresh.update(silence.data(), silence.data(), silence.data(), gains.data());
    fresh.describe(8, evidence.data());
    for (const float value : evidence) EXPECT_EQ(value, 0);
}

TEST(FreshGains, ShowWhatIsNotANumberUntilAReset) {
    FreshGains fresh{kBins};
    std::vector<float> gains(kBins), expected(kBins);
    const auto sound = noise(1, 0.1F), rest = scaled(sound, 0.5F);
    fresh.update(sound.data(), rest.data(), sound.data(), expected.data());
    auto bad = rest;
    bad[7] = {std::numeric_limits<float>::quiet_NaN(), 0};
    fresh.update(sound.data(), bad.data(), sound.data(), gains.data());
    EXPECT_TRUE(std::isnan(gains[7]));
    fresh.reset();
    fresh.update(sound.data(), rest.data(), sound.data(), gains.data());
    EXPECT_EQ(gains, expected);
}

}  // namespace
}  // namespace sidetone::dsp
