// SPDX-License-Identifier: Apache-2.0
#include "dsp/decibels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace sidetone::dsp {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> uniform(std::size_t count, float low, float high, std::uint32_t seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> values(count);
    for (auto& value : values) value = distribution(generator);
    return values;
}

TEST(Decibels, OfPowersAreWithinATenThousandth) {
    auto powers = uniform(100'000, -29.9F, 29.9F, 1);
    for (auto& power : powers) power = std::pow(10.0F, power);
    std::vector<float> decibels(powers.size());
    power_to_decibels(powers.data(), decibels.data(), powers.size());
    for (std::size_t n = 0; n < powers.size(); ++n) {
        ASSERT_NEAR(decibels[n], 10 * std::log10(static_cast<double>(powers[n])), 1e-4) << powers[n];
    }
}

TEST(Decibels, NearUnityAreWithinATenThousandth) {
    const auto powers = uniform(100'000, 0.5F, 2.0F, 2);
    std::vector<float> decibels(powers.size());
    power_to_decibels(powers.data(), decibels.data(), powers.size());
    for (std::size_t n = 0; n < powers.size(); ++n) {
        ASSERT_NEAR(decibels[n], 10 * std::log10(static_cast<double>(powers[n])), 2e-5) << powers[n];
    }
}

TEST(Decibels, BecomeGainsWithinThreeMillionths) {
    auto decibels = uniform(100'000, -200.0F, 200.0F, 3);
    auto gains = decibels;
    decibels_to_gains(gains.data(), gains.data(), gains.size());
    for (std::size_t n = 0; n < gains.size(); ++n) {
        const double expected = std::pow(10.0, static_cast<double>(decibels[n]) / 20);
        ASSERT_NEAR(gains[n] / expected, 1, 3e-6) << decibels[n];
    }
}

TEST(Decibels, OfWhatIsNoLevelAreTheEndsOfTheRange) {
    std::vector<float> values{0, -1, kNan, -kInfinity, 1e-40F, kInfinity, 1e38F};
    power_to_decibels(values.data(), values.data(), values.size());
    for (std::size_t n = 0; n < 5; ++n) EXPECT_NEAR(values[n], -300, 1e-3);
    for (std::size_t n = 5; n < 7; ++n) EXPECT_NEAR(values[n], 300, 1e-3);

    std::vector<float> gains{kNan, -kInfinity, -1e9F, kInfinity, 1e9F};
    decibels_to_gains(gains.data(), gains.data(), gains.size());
    for (const float gain : gains) EXPECT_TRUE(std::isfinite(gain));
    EXPECT_LT(*std::max_element(gains.begin(), gains.begin() + 3), 1e-34F);
    EXPECT_GT(*std::min_element(gains.begin() + 3, gains.end()), 1e34F);
}

TEST(Decibels, AreTheSameWhereverAValueStands) {
    const auto powers = uniform(67, 0.001F, 1000.0F, 4);
    std::vector<float> expected(powers.size());
    for (std::size_t n = 0; n < powers.size(); ++n) power_to_decibels(&powers[n], &expected[n], 1);
    for (std::size_t first = 0; first < 3; ++first) {
        for (std::size_t count = 0; first + count <= powers.size(); ++count) {
            std::vector<float> out(count + 1, -999.0F);
            power_to_decibels(powers.data() + first, out.data(), count);
            for (std::size_t n = 0; n < count; ++n) ASSERT_NEAR(out[n], expected[first + n], 1e-5F);
            ASSERT_EQ(out[count], -999.0F);
        }
    }
}

}  // namespace
}  // namespace sidetone::dsp
