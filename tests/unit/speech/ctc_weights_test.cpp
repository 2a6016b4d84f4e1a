// SPDX-License-Identifier: Apache-2.0
#include "speech/ctc_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace sidetone::speech {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(CtcWeights, ExponentialsAreTheLibrarysWithinOnePartInTenToTheFourteen) {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> wide(-700, 700), near(-1, 1);
    for (int n = 0; n < 100'000; ++n) {
        for (const double x : {wide(random), near(random)}) {
            ASSERT_NEAR(exponential(x) / std::exp(x), 1, 1e-14) << x;
        }
    }
    EXPECT_EQ(exponential(0), 1);
}

TEST(CtcWeights, ExponentialsEndWhereNumbersDo) {
    EXPECT_EQ(exponential(-701), 0);
    EXPECT_EQ(exponential(-kInfinity), 0);
    EXPECT_EQ(exponential(std::numeric_limits<double>::quiet_NaN()), 0);
    EXPECT_EQ(exponential(kInfinity), exponential(700));
    EXPECT_TRUE(std::isfinite(exponential(1e30)));
}

TEST(CtcWeights, ExponentsAndPowersOfTwoAreTheLibrarys) {
    std::mt19937 random(2);
    std::uniform_real_distribution<double> exponents(-1000, 1000);
    for (int n = 0; n < 10'000; ++n) {
        const double value = std::exp2(exponents(random));
        ASSERT_EQ(exponent_of(value), std::ilogb(value)) << value;
        ASSERT_EQ(power_of_two(exponent_of(value)), std::ldexp(1.0, std::ilogb(value))) << value;
    }
    EXPECT_EQ(exponent_of(1), 0);
    EXPECT_EQ(exponent_of(std::nextafter(1.0, 0.0)), -1);
}

TEST(CtcWeights, WeighsAFrameByItsLargest) {
    const std::array<float, 5> frame{-3.0F, -0.5F, std::numeric_limits<float>::quiet_NaN(), -139.0F, -200.0F};
    std::array<double, 5> weights{};
    EXPECT_EQ(weigh_frame(frame.data(), weights), -0.5F);
    EXPECT_NEAR(weights[0], std::exp(-2.5), 1e-15);
    EXPECT_EQ(weights[1], 1);
    EXPECT_EQ(weights[2], 0);
    EXPECT_EQ(weights[3], 0);
    EXPECT_EQ(weights[4], 0);
}

TEST(CtcWeights, LeavesWeightsWhereNothingIsPossible) {
    const std::array<float, 2> frame{-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
    std::array<double, 2> weights{3, 4};
    EXPECT_EQ(weigh_frame(frame.data(), weights), std::nullopt);
    EXPECT_EQ(weights, (std::array<double, 2>{3, 4}));
}

TEST(CtcWeights, SortsTokensByWeightThenByNumber) {
    std::mt19937 random(3);
    std::uniform_int_distribution<int> few(0, 9), sizes(0, 63);
    for (int n = 0; n < 1000; ++n) {
        std::vector<double> weights(64);
        for (auto& weight : weights) weight = few(random);  // so that many are equal
        std::vector<Phone> tokens(static_cast<std::size_t>(sizes(random)));
        for (std::size_t k = 0; k < tokens.size(); ++k) tokens[k] = static_cast<Phone>(k + 1);
        std::shuffle(tokens.begin(), tokens.end(), random);
        auto expected = tokens;
        std::sort(expected.begin(), expected.end(),
                  [&](Phone a, Phone b) { return weights[a] != weights[b] ? weights[a] > weights[b] : a < b; });
        sort_by_weight(tokens, weights);
        ASSERT_EQ(tokens, expected);
    }
}

}  // namespace
}  // namespace sidetone::speech
