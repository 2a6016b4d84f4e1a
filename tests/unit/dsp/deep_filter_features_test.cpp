// SPDX-License-Identifier: Apache-2.0
#include "dsp/deep_filter_features.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::size_t kBins = 481, kBands = 32, kUnitBins = 96;
constexpr std::uint32_t kRateHz = 48'000;
constexpr double kForgetting = 0.99, kScale = 1.0 / 960;

DeepFilterFeatures features() {
    return DeepFilterFeatures{{.bins = kBins,
                               .rate_hz = kRateHz,
                               .bands = kBands,
                               .least_bins = 2,
                               .unit_bins = kUnitBins,
                               .forgetting = kForgetting,
                               .scale = kScale}};
}

// Noise that is louder in every spectrum and falls with frequency.
std::vector<std::complex<float>> spectrum(int n) {
    const auto noise = test::white_noise(2 * kBins, static_cast<std::uint32_t>(100 + n), 1.0F);
    std::vector<std::complex<float>> bins(kBins);
    for (std::size_t k = 0; k < kBins; ++k) {
        const auto level = static_cast<float>(std::pow(1.1, n) / (1.0 + 0.05 * static_cast<double>(k)));
        bins[k] = {level * noise[2 * k], level * noise[2 * k + 1]};
    }
    return bins;
}

TEST(DeepFilterFeatures, BandsAreThoseOfTheScaleAndHaveEveryBinOnce) {
    const std::vector<std::size_t> published{2, 2, 2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  5,  5,  7,
                                             7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67};
    EXPECT_EQ(erb_band_widths(kBands, kBins, kRateHz, 2), published);
    for (const std::size_t bands : {1U, 8U, 24U, 40U}) {
        for (const std::uint32_t rate : {8'000U, 16'000U, 44'100U}) {
            const auto widths = erb_band_widths(bands, 257, rate, 1);
            EXPECT_EQ(std::accumulate(widths.begin(), widths.end(), std::size_t{0}), 257U) << bands << " at " << rate;
        }
    }
}

// The definition in double precision, over spectra whose running means move.
TEST(DeepFilterFeatures, AreThoseOfTheirDefinition) {
    auto tested = features();
    const auto widths = erb_band_widths(kBands, kBins, kRateHz, 2);
    std::vector<double> mean_db(kBands), magnitude(kUnitBins);
    for (std::size_t b = 0; b < kBands; ++b) mean_db[b] = -60 - 30.0 * static_cast<double>(b) / (kBands - 1);
    for (std::size_t k = 0; k < kUnitBins; ++k) magnitude[k] = 1e-3 - 9e-4 * static_cast<double>(k) / (kUnitBins - 1);
    std::vector<float> levels(kBands), re(kUnitBins), im(kUnitBins);
    for (int n = 0; n < 60; ++n) {
        const auto bins = spectrum(n);
        tested.update(bins.data(), levels.data(), re.data(), im.data());
        std::size_t k = 0;
        for (std::size_t b = 0; b < kBands; ++b) {
            double power = 0;
            for (std::size_t i = 0; i < widths[b]; ++i, ++k) power += std::norm(std::complex<double>{bins[k]} * kScale);
            const double level_db = 10 * std::log10(power / static_cast<double>(widths[b]) + 1e-10);
            mean_db[b] = (1 - kForgetting) * level_db + kForgetting * mean_db[b];
            ASSERT_NEAR(levels[b], (level_db - mean_db[b]) / 40, 2e-5) << "band " << b << " of spectrum " << n;
        }
        for (k = 0; k < kUnitBins; ++k) {
            const auto scaled = std::complex<double>{bins[k]} * kScale;
            magnitude[k] = (1 - kForgetting) * std::abs(scaled) + kForgetting * magnitude[k];
            const auto unit = scaled / std::sqrt(magnitude[k]);
            ASSERT_NEAR(re[k], unit.real(), 1e-5 * (1 + std::abs(unit))) << "bin " << k << " of spectrum " << n;
            ASSERT_NEAR(im[k], unit.imag(), 1e-5 * (1 + std::abs(unit))) << "bin " << k << " of spectrum " << n;
        }
    }
}

TEST(DeepFilterFeatures, GainsOfBandsAreSpreadOverTheirBins) {
    std::vector<float> of_bands(kBands), gains(kBins);
    std::iota(of_bands.begin(), of_bands.end(), 0.0F);
    features().spread(of_bands.data(), gains.data());
    const auto widths = erb_band_widths(kBands, kBins, kRateHz, 2);
    std::size_t k = 0;
    for (std::size_t b = 0; b < kBands; ++b) {
        for (std::size_t i = 0; i < widths[b]; ++i, ++k) EXPECT_EQ(gains[k], of_bands[b]);
    }
}

TEST(DeepFilterFeatures, BeginAnewAfterAReset) {
    auto used = features(), fresh = features();
    std::vector<float> found(kBands + 2 * kUnitBins), expected(found);
    const auto update = [](DeepFilterFeatures& tested, int n, std::vector<float>& to) {
        tested.update(spectrum(n).data(), to.data(), to.data() + kBands, to.data() + kBands + kUnitBins);
    };
    for (int n = 0; n < 5; ++n) update(used, n, found);
    used.reset();
    update(used, 7, found);
    update(fresh, 7, expected);
    EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace sidetone::dsp
