// SPDX-License-Identifier: Apache-2.0
#include "dsp/segmental_snr.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

/// `clean` with `share` of it added, from sample `begin` on: -20 lg share dB there.
std::vector<float> with_error(const std::vector<float>& clean, float share, std::size_t begin = 0) {
    auto out = clean;
    for (std::size_t n = begin; n < out.size(); ++n) out[n] += share * clean[n];
    return out;
}

TEST(SegmentalSnr, IsTheRatioWhereEveryFrameHasTheSame) {
    const auto clean = test::white_noise(16'000, 81);
    EXPECT_NEAR(segmental_snr_db(clean, with_error(clean, 0.1F), 16'000), 20, 1e-3);
    EXPECT_NEAR(segmental_snr_db(clean, with_error(clean, 2.0F), 16'000), -20 * std::log10(2.0), 1e-3);
}

TEST(SegmentalSnr, IsHeldBetweenMinus10And35) {
    const auto clean = test::white_noise(16'000, 82);
    EXPECT_EQ(segmental_snr_db(clean, clean, 16'000), 35);
    EXPECT_EQ(segmental_snr_db(clean, with_error(clean, 0.001F), 16'000), 35);
    EXPECT_EQ(segmental_snr_db(clean, with_error(clean, 100.0F), 16'000), -10);
}

TEST(SegmentalSnr, IsTheMeanOverFramesOfHalfOverlap) {
    // Frames of 512 samples every 256: three before sample 1024, one across it, three behind.
    const auto clean = test::sine(1000, 16'000, 0, 2048);
    const double across_db = 10 * std::log10(2 / 0.01);
    const double expected = (3 * 35 + across_db + 3 * 20) / 7;
    EXPECT_NEAR(segmental_snr_db(clean, with_error(clean, 0.1F, 1024), 16'000), expected, 1e-3);
}

TEST(SegmentalSnr, LeavesOutWhatIsSilentInTheCleanSignal) {
    auto clean = test::white_noise(16'384, 83);
    for (std::size_t n = 4096; n < 12'288; ++n) clean[n] *= 0.001F;
    auto processed = with_error(clean, 0.1F);
    for (std::size_t n = 4608; n < 11'776; ++n) processed[n] = 1.0F;
    EXPECT_NEAR(segmental_snr_db(clean, processed, 16'000), 20, 1e-3);
}

TEST(SegmentalSnr, RisesWithTheSignalToNoiseRatio) {
    const auto clean = test::white_noise(16'000, 84);
    const auto noise = test::white_noise(16'000, 85);
    double before = -10;
    for (const float gain : {2.0F, 1.0F, 0.5F, 0.2F, 0.1F, 0.05F}) {
        auto noisy = clean;
        for (std::size_t n = 0; n < noisy.size(); ++n) noisy[n] += gain * noise[n];
        const double found = segmental_snr_db(clean, noisy, 48'000);
        EXPECT_GT(found, before);
        before = found;
    }
}

TEST(SegmentalSnr, IsNotANumberForSilenceOrLessThanAFrame) {
    const std::vector<float> silence(4000);
    EXPECT_TRUE(std::isnan(segmental_snr_db(silence, test::white_noise(4000, 86), 16'000)));
    const auto little = test::white_noise(511, 87);
    EXPECT_TRUE(std::isnan(segmental_snr_db(little, little, 16'000)));
}

TEST(SegmentalSnr, RefusesDifferentLengthsAndRatesBelow1kHz) {
    const std::vector<float> ten(10);
    EXPECT_THROW(static_cast<void>(segmental_snr_db(ten, std::vector<float>(9), 16'000)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(segmental_snr_db(ten, ten, 999)), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
