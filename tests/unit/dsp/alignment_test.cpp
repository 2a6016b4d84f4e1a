// SPDX-License-Identifier: Apache-2.0
#include "dsp/alignment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

/// `signal` late by `delay` samples (early when negative), as long as before; zeros come in.
std::vector<float> shifted(const std::vector<float>& signal, std::int64_t delay) {
    std::vector<float> out(signal.size(), 0.0F);
    const auto size = static_cast<std::int64_t>(signal.size());
    for (std::int64_t n = std::max<std::int64_t>(0, delay); n < std::min(size, size + delay); ++n) {
        out[static_cast<std::size_t>(n)] = signal[static_cast<std::size_t>(n - delay)];
    }
    return out;
}

TEST(Alignment, FindsEveryDelayToTheSample) {
    const auto signal = test::white_noise(3000, 31);
    for (const std::int64_t delay : {0, 1, -1, 2, 17, -40, 128, -500, 999, -999}) {
        EXPECT_EQ(delay_by_cross_correlation(signal, shifted(signal, delay), 1000), delay);
    }
}

TEST(Alignment, FindsTheDelayInNoiseAtAnyGain) {
    const auto signal = test::white_noise(20'000, 32);
    const auto noise = test::white_noise(20'000, 33, 2.0F);
    auto delayed = shifted(signal, 777);
    for (std::size_t n = 0; n < delayed.size(); ++n) delayed[n] = 1e-3F * (delayed[n] + noise[n]);
    EXPECT_EQ(delay_by_cross_correlation(signal, delayed, 5000), 777);
}

TEST(Alignment, TakesSignalsOfDifferentLength) {
    const auto signal = test::white_noise(5000, 34);
    const std::vector<float> tail(signal.begin() + 1200, signal.end());
    EXPECT_EQ(delay_by_cross_correlation(signal, tail, 4000), -1200);
    EXPECT_EQ(delay_by_cross_correlation(tail, signal, 4000), 1200);
}

TEST(Alignment, NormalisesByTheOverlap) {
    // The loud end would win an unnormalised correlation wherever it meets itself or noise.
    auto signal = test::white_noise(4000, 35);
    for (std::size_t n = 3600; n < signal.size(); ++n) signal[n] *= 3.0F;
    EXPECT_EQ(delay_by_cross_correlation(signal, shifted(signal, 300), 2000), 300);
}

TEST(Alignment, EqualsTheDirectSum) {
    const auto a = test::white_noise(257, 36);
    auto b = shifted(a, 9);
    const auto other = test::white_noise(257, 37, 1.5F);
    for (std::size_t n = 0; n < b.size(); ++n) b[n] += other[n];
    double best = -1;
    std::int64_t best_lag = 0;
    for (std::int64_t lag = -60; lag <= 60; ++lag) {
        double product = 0;
        double energy_a = 0;
        double energy_b = 0;
        for (std::int64_t n = std::max<std::int64_t>(0, -lag); n < std::min<std::int64_t>(257, 257 - lag); ++n) {
            const double x = a[static_cast<std::size_t>(n)];
            const double y = b[static_cast<std::size_t>(n + lag)];
            product += x * y;
            energy_a += x * x;
            energy_b += y * y;
        }
        const double similarity = product / std::sqrt(energy_a * energy_b);
        if (similarity > best) {
            best = similarity;
            best_lag = lag;
        }
    }
    EXPECT_EQ(delay_by_cross_correlation(a, b, 60), best_lag);
}

TEST(Alignment, LooksNoFurtherThanAsked) {
    const auto signal = test::white_noise(3000, 38);
    EXPECT_LE(std::abs(delay_by_cross_correlation(signal, shifted(signal, 200), 100)), 100);
    EXPECT_EQ(delay_by_cross_correlation(signal, shifted(signal, 1), 0), 0);
}

TEST(Alignment, OfSilenceIsZero) {
    const std::vector<float> silence(100, 0.0F);
    EXPECT_EQ(delay_by_cross_correlation(silence, silence, 50), 0);
    EXPECT_EQ(delay_by_cross_correlation(silence, test::white_noise(100, 39), 50), 0);
    EXPECT_EQ(delay_by_cross_correlation({}, {}, 50), 0);
}

TEST(Alignment, RefusesANegativeRange) {
    EXPECT_THROW(static_cast<void>(delay_by_cross_correlation({}, {}, -1)), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
