// SPDX-License-Identifier: Apache-2.0
#include "dsp/spectral_ratio.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <random>
#include <utility>
#include <vector>

namespace sidetone::dsp {
namespace {

using Spectrum = std::vector<std::complex<float>>;

constexpr std::size_t kBins = 33;

Spectrum noise(std::mt19937& random) {
    std::normal_distribution<float> value;
    Spectrum spectrum(kBins);
    for (auto& bin : spectrum) bin = {value(random), value(random)};
    return spectrum;
}

TEST(SpectralRatio, IsTheLeastSquaresFactorOverFramesAndNeighbours) {
    std::mt19937 random{1};
    constexpr double kForgetting = 0.9;
    SpectralRatio ratio{kBins, kForgetting};
    std::vector<double> common(kBins), power(kBins);
    for (int frame = 0; frame < 30; ++frame) {
        const auto before = noise(random);
        auto after = noise(random);
        for (std::size_t k = 0; k < kBins; ++k) after[k] = 0.2F * after[k] + 0.02F * static_cast<float>(k) * before[k];
        const auto found = ratio.update(before.data(), after.data());
        for (std::size_t k = 0; k < kBins; ++k) {
            common[k] = kForgetting * common[k] + static_cast<double>((after[k] * std::conj(before[k])).real());
            power[k] = kForgetting * power[k] + static_cast<double>(std::norm(before[k]));
        }
        for (std::size_t k = 0; k < kBins; ++k) {
            double shared = 0, all = 0;
            for (std::size_t j = k < 2 ? 0 : k - 2; j <= std::min(kBins - 1, k + 2); ++j) {
                shared += common[j];
                all += power[j];
            }
            EXPECT_NEAR(static_cast<double>(found[k]), std::clamp(shared / all, 0.0, 2.0), 1e-5) << frame << " " << k;
        }
    }
}

TEST(SpectralRatio, IsOneInSilenceAndStaysWithinItsBounds) {
    SpectralRatio ratio{kBins, 0.5};
    const Spectrum silence(kBins);
    for (const float r : ratio.update(silence.data(), silence.data())) EXPECT_EQ(r, 1.0F);
    std::mt19937 random{2};
    const auto before = noise(random);
    auto after = before;
    for (auto& bin : after) bin *= 9.0F;
    for (const float r : ratio.update(before.data(), after.data())) EXPECT_EQ(r, SpectralRatio::kHighest);
    ratio.reset();
    for (auto& bin : after) bin = -bin;
    for (const float r : ratio.update(before.data(), after.data())) EXPECT_EQ(r, 0.0F);
}

TEST(SpectralRatio, IsNotANumberOnceASumHasOutgrownAFloatUntilReset) {
    std::mt19937 random{4};
    constexpr std::size_t kBad = 10;
    for (const auto& [before_level, after_level] :
         {std::pair{1e30F, 1.0F}, std::pair{1e10F, 1e30F}, std::pair{1e30F, 1e30F}}) {
        SpectralRatio ratio{kBins, 0.5};
        auto before = noise(random), after = before;
        before[kBad] = {before_level, 0};
        after[kBad] = {after_level, 0};
        (void)ratio.update(before.data(), after.data());
        for (int frame = 0; frame < 3; ++frame) {
            const auto quiet = noise(random);
            const auto found = ratio.update(quiet.data(), quiet.data());
            for (std::size_t k = 0; k < kBins; ++k) {
                const bool sees_it = k + 2 >= kBad && k <= kBad + 2;
                EXPECT_EQ(std::isnan(found[k]), sees_it) << before_level << " " << after_level << " bin " << k;
            }
        }
        ratio.reset();
        const auto quiet = noise(random);
        EXPECT_THAT(ratio.update(quiet.data(), quiet.data()), testing::Each(testing::FloatNear(1, 1e-5F)));
    }
}

TEST(SpectralRatio, ForgetsWhenReset) {
    std::mt19937 random{3};
    SpectralRatio used{kBins, 0.95}, fresh{kBins, 0.95};
    (void)used.update(noise(random).data(), noise(random).data());
    used.reset();
    const auto before = noise(random), after = noise(random);
    const auto found = used.update(before.data(), after.data());
    const auto expected = fresh.update(before.data(), after.data());
    EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin()));
}

}  // namespace
}  // namespace sidetone::dsp
