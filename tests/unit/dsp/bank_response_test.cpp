// SPDX-License-Identifier: Apache-2.0
#include "dsp/bank_response.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "dsp/gain_correction.hpp"
#include "dsp/prescription.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kRateHz = 48'000;

/// What the bank itself makes of a sine: its amplitude over a second.
double measured(AsymmetricWindows windows, const std::vector<float>& gains, double frequency_hz) {
    AsymmetricFilterBank bank(windows);
    auto signal = test::sine(frequency_hz, kRateHz, 0, 52'800);
    for (std::size_t n = 0; n + windows.hop <= signal.size(); n += windows.hop) {
        bank.process(signal.data() + n, gains.data(), signal.data() + n);
    }
    std::complex<double> sum = 0;
    for (std::size_t n = 4'800; n < 52'800; ++n) {
        sum += static_cast<double>(signal[n]) *
               std::polar(2.0 / 48'000, -2 * std::numbers::pi * frequency_hz * static_cast<double>(n) / kRateHz);
    }
    return std::abs(sum);
}

TEST(BankResponse, IsWhatTheBankDoesToASine) {
    const std::array<double, 4> frequencies_hz{251, 997, 3001, 8009};
    for (const auto windows : {AsymmetricWindows{256, 128, 64}, AsymmetricWindows{1536, 192, 96}}) {
        BankResponse response(windows, kRateHz, frequencies_hz);
        auto gains = test::white_noise(response.bins(), 71);
        for (auto& gain : gains) gain = std::exp(gain);
        for (std::size_t f = 0; f < frequencies_hz.size(); ++f) {
            const double expected = measured(windows, gains, frequencies_hz[f]);
            EXPECT_NEAR(std::abs(response.at(f, gains)) / expected, 1, 0.002) << frequencies_hz[f];
        }
    }
}

TEST(GainCorrection, BringsSteepPrescriptionsThroughShortWindows) {
    const PerFrequency steep{10, 10, 15, 20, 40, 65, 80, 85, 90, 90};
    const PerFrequency rising{60, 55, 50, 40, 35, 30, 25, 20, 20, 20};
    const std::vector<double> centres_hz(kAudiogramHz.begin(), kAudiogramHz.end());
    for (const auto windows : {AsymmetricWindows{1536, 192, 48}, AsymmetricWindows{256, 128, 64}}) {
        BankResponse response(windows, kRateHz, centres_hz);
        const BandBins map(bands_around(centres_hz), kRateHz, windows.analysis);
        for (const auto& thresholds : {steep, rising}) {
            const auto prescribed = compressive_gains_db(thresholds, 65);
            const std::vector<double> wanted_db(prescribed.begin(), prescribed.end());
            const auto more_db = gain_correction_db(response, map, wanted_db);
            std::vector<float> band_db(wanted_db.size());
            for (std::size_t b = 0; b < band_db.size(); ++b) {
                band_db[b] = static_cast<float>(wanted_db[b] + more_db[b]);
                EXPECT_LT(std::fabs(more_db[b]), 6);
            }
            std::vector<float> gains(map.bins());
            map.spread(band_db.data(), gains.data());
            for (auto& gain : gains) gain = std::pow(10.0F, gain / 20);
            for (std::size_t b = 0; b < band_db.size(); ++b) {
                EXPECT_NEAR(20 * std::log10(std::abs(response.at(b, gains))), wanted_db[b], 0.01) << centres_hz[b];
            }
        }
    }
}

}  // namespace
}  // namespace sidetone::dsp
