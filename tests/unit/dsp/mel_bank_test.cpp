// SPDX-License-Identifier: Apache-2.0
#include "dsp/mel_bank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr float kFloor = 1e-10F;

/// Each filter's sum in double precision over all bins.
std::vector<double> reference(const MelBank::Design& design, const std::vector<float>& power) {
    std::vector<double> sums(design.bands);
    for (std::size_t band = 0; band < design.bands; ++band) {
        for (std::size_t bin = 0; bin <= design.transform / 2; ++bin) {
            sums[band] += MelBank::weight(design, band, bin) * static_cast<double>(power[bin]);
        }
    }
    return sums;
}

TEST(MelBank, SumsWhatTheWeightsSayForAnyNumberOfBands) {
    for (const auto scale : {MelScale::htk, MelScale::slaney}) {
        for (const std::size_t bands : {1U, 2U, 13U, 15U, 16U, 17U, 23U, 40U, 64U, 80U, 128U, 256U}) {
            const MelBank::Design design{.bands = bands, .scale = scale};
            const MelBank bank(design);
            auto power = test::white_noise(bank.readable_bins(), 5);
            for (auto& value : power) value *= value;
            const auto expected = reference(design, power);
            std::vector<float> out(bands + 1, 99.0F);
            bank.log_energies(power.data(), kFloor, out.data());
            EXPECT_EQ(out[bands], 99.0F);
            for (std::size_t band = 0; band < bands; ++band) {
                ASSERT_NEAR(out[band], std::log(std::max(expected[band], 1e-10)), 2e-6) << band << " of " << bands;
            }
        }
    }
}

// mel(f) = 1127 ln(1 + f / 700) is 1000 mel at 1000 Hz.
TEST(MelBank, HtkTrianglesAreOneAtTheirTopsAndSumToOneBetween) {
    const MelBank::Design design{.transform = 4096, .bands = 40};
    for (std::size_t bin = 0; bin <= 2048; ++bin) {
        const double hz = static_cast<double>(bin) * 16'000 / 4096;
        const double low = 1127 * std::log(1 + 20 / 700.0);
        const double step = (1127 * std::log(1 + 8000 / 700.0) - low) / 41;
        const double place = (1127 * std::log(1 + hz / 700) - low) / step;
        double sum = 0;
        for (std::size_t band = 0; band < 40; ++band) {
            const double weight = MelBank::weight(design, band, bin);
            EXPECT_NEAR(weight, std::max(0.0, 1 - std::fabs(place - static_cast<double>(band) - 1)), 1e-9);
            sum += weight;
        }
        if (place >= 1 && place <= 40) {
            ASSERT_NEAR(sum, 1, 1e-9);
        }
    }
}

// Slaney's scale has 200/3 Hz to the mel below 1000 Hz: with 15 mel there, and 46.2 mel to 8 kHz.
TEST(MelBank, SlaneyTrianglesHaveAreaOneAndTheirTopsWhereTheScaleSays) {
    const MelBank::Design design{.transform = 4096, .bands = 80, .low_hz = 0, .scale = MelScale::slaney};
    const double hz_per_bin = 16'000.0 / 4096;
    const double all_mel = 15 + 27 * std::log(8.0) / std::log(6.4);
    for (std::size_t band = 0; band < 80; ++band) {
        double area = 0;
        double highest = 0;
        double top_hz = 0;
        for (std::size_t bin = 0; bin <= 2048; ++bin) {
            const double weight = MelBank::weight(design, band, bin);
            area += weight * hz_per_bin;
            if (weight <= highest) continue;
            highest = weight;
            top_hz = static_cast<double>(bin) * hz_per_bin;
        }
        EXPECT_NEAR(area, 1, 0.02) << band;
        const double mel = all_mel * static_cast<double>(band + 1) / 81;
        EXPECT_NEAR(top_hz, mel < 15 ? mel * 200 / 3 : 1000 * std::pow(6.4, (mel - 15) / 27), hz_per_bin) << band;
    }
}

TEST(MelBank, WhatIsNoPowerIsTheFloor) {
    const MelBank bank(MelBank::Design{});
    std::vector<float> out(80);
    for (const float value : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN()}) {
        const std::vector<float> power(bank.readable_bins(), value);
        bank.log_energies(power.data(), kFloor, out.data());
        for (const float energy : out) EXPECT_NEAR(energy, std::log(1e-10), 1e-5);
    }
    std::vector<float> endless(bank.readable_bins(), 0.0F);
    std::fill_n(endless.begin(), bank.bins(), std::numeric_limits<float>::max());
    bank.log_energies(endless.data(), kFloor, out.data());
    for (const float energy : out) EXPECT_TRUE(std::isfinite(energy));
}

TEST(MelBank, RefusesEdgesOutOfRange) {
    EXPECT_THROW(MelBank(MelBank::Design{.low_hz = -1}), std::invalid_argument);
    EXPECT_THROW(MelBank(MelBank::Design{.high_hz = 8001}), std::invalid_argument);
    EXPECT_THROW(MelBank(MelBank::Design{.low_hz = 5000, .high_hz = 4000}), std::invalid_argument);
    EXPECT_THROW(MelBank(MelBank::Design{.bands = 0}), std::invalid_argument);
    EXPECT_THROW(MelBank(MelBank::Design{.bands = 257}), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
