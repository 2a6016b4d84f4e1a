// SPDX-License-Identifier: Apache-2.0
#include "dsp/periodicity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

/// x low-passed by Hann's window of 2 reach + 1 taps, without its regression line, in double precision.
std::vector<double> prepared(const std::vector<float>& x, std::size_t reach) {
    std::vector<double> y(x.size() - 2 * reach);
    const auto count = static_cast<double>(y.size());
    double sum = 0, moment = 0;
    for (std::size_t n = 0; n < y.size(); ++n) {
        for (std::size_t k = 0; k <= 2 * reach; ++k) {
            const double turn = std::numbers::pi * (static_cast<double>(k) - static_cast<double>(reach)) /
                                static_cast<double>(reach + 1);
            y[n] += (1 + std::cos(turn)) / 2 / static_cast<double>(reach + 1) * static_cast<double>(x[n + k]);
        }
        sum += y[n];
        moment += y[n] * (static_cast<double>(n) - (count - 1) / 2);
    }
    for (std::size_t n = 0; n < y.size(); ++n) {
        y[n] -= sum / count + 12 * moment / (count * (count * count - 1)) * (static_cast<double>(n) - (count - 1) / 2);
    }
    return y;
}

TEST(Periodicity, IsWhatTheDefinitionGivesInDoublePrecision) {
    for (const std::uint32_t rate_hz : {8000U, 16'000U, 48'000U}) {
        const std::size_t longest = rate_hz / 50;
        Periodicity periodicity(rate_hz, longest);
        auto samples = test::white_noise(periodicity.length(), 3, 0.1F);
        for (std::size_t n = 0; n < samples.size(); ++n)
            samples[n] +=
                0.5F + 0.3F * std::sin(2 * 3.14159F * 140 * static_cast<float>(n) / static_cast<float>(rate_hz));
        periodicity.analyse(samples.data());

        const auto x = prepared(samples, rate_hz / 4000);
        const std::size_t segment = x.size() - 2 * longest;
        EXPECT_NEAR(static_cast<double>(segment) / rate_hz, 0.0235, 2e-4);
        double energy = 0;
        for (std::size_t n = longest; n < longest + segment; ++n) energy += x[n] * x[n];
        EXPECT_NEAR(periodicity.power() * static_cast<double>(segment), energy, 1e-6 * energy);
        for (std::size_t lag = 0; lag <= longest; ++lag) {
            double products = 0, squares = 0;
            for (std::size_t n = longest; n < longest + segment; ++n) {
                products += x[n] * (x[n + lag] + x[n - lag]);
                squares += x[n] * x[n] + (x[n + lag] * x[n + lag] + x[n - lag] * x[n - lag]) / 2;
            }
            ASSERT_NEAR(periodicity.likeness()[lag], products / squares, 1e-6) << lag;
        }
    }
}

TEST(Periodicity, OfNoSoundIsNone) {
    Periodicity periodicity(16'000, 320);
    periodicity.analyse(std::vector<float>(periodicity.length(), 0.0F).data());
    for (const double value : periodicity.likeness()) EXPECT_EQ(value, 0);
    EXPECT_EQ(periodicity.power(), 0);
}

}  // namespace
}  // namespace sidetone::dsp
