// SPDX-License-Identifier: Apache-2.0
#include "dsp/level.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

TEST(Level, EqualsTheDefinitionForEveryCount) {
    for (std::size_t count = 1; count < 200; ++count) {
        const auto signal = test::white_noise(count, static_cast<std::uint32_t>(count));
        double energy = 0;
        float peak = 0;
        for (const float sample : signal) {
            energy += static_cast<double>(sample) * static_cast<double>(sample);
            peak = std::max(peak, std::fabs(sample));
        }
        const auto level = measure_level(signal.data(), count);
        ASSERT_EQ(level.peak, peak);
        ASSERT_NEAR(level.rms, std::sqrt(energy / static_cast<double>(count)), 1e-6);
    }
}

TEST(Level, OfAFullScaleSineIsZeroPeakAndMinusThreeRms) {
    const auto signal = test::sine(1000, 48'000, 0, 4800);
    const auto level = measure_level(signal.data(), signal.size());
    EXPECT_NEAR(to_dbfs(level.peak), 0.0F, 1e-4F);
    EXPECT_NEAR(to_dbfs(level.rms), -3.0103F, 1e-4F);
}

TEST(Level, OfNothingAndOfSilenceIsMinusInfinity) {
    const std::vector<float> silence(64, 0.0F);
    EXPECT_EQ(to_dbfs(measure_level(silence.data(), 64).rms), -INFINITY);
    EXPECT_EQ(measure_level(nullptr, 0).peak, 0.0F);
    EXPECT_EQ(measure_level(nullptr, 0).rms, 0.0F);
}

}  // namespace
}  // namespace sidetone::dsp
