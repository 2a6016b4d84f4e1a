// SPDX-License-Identifier: Apache-2.0
#include "dsp/glide.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace sidetone::dsp {
namespace {

constexpr double kTau = 0.005, kRateHz = 48'000;

TEST(Glide, IsStillUntilItIsSentElsewhereAndExactlyThereInTheEnd) {
    Glide glide{0.3, kTau, kRateHz};
    EXPECT_TRUE(glide.is_still());
    EXPECT_EQ(glide.next(), 0.3);
    glide.go_to(0.3);
    EXPECT_TRUE(glide.is_still());
    glide.go_to(2);
    EXPECT_FALSE(glide.is_still());
    int steps = 0;
    for (; !glide.is_still(); ++steps) glide.next();
    EXPECT_EQ(glide.value(), 2.0);
    EXPECT_LT(steps, 30 * kTau * kRateHz);
}

// Three times 1 / (s τ + 1): the step response is 1 - e⁻ˣ (1 + x + x²/2), x = t / τ.
TEST(Glide, IsThreeSmoothingsInARow) {
    Glide glide{0, kTau, kRateHz};
    glide.go_to(1);
    for (int n = 1; n < 3'000; ++n) {
        const double x = (n - 1) / (kTau * kRateHz);
        ASSERT_NEAR(glide.next(), 1 - std::exp(-x) * (1 + x + x * x / 2), 0.01) << n;
    }
}

TEST(Glide, NeitherItsValueNorItsSlopeJumpsWhereverItIsSentFrom) {
    Glide glide{0, kTau, kRateHz};
    double value = 0, slope = 0;
    for (int n = 0; n < 10'000; ++n) {
        if (n % 97 == 0) glide.go_to(n / 97 % 2 == 0 ? 1 : -1);
        const double next = glide.next();
        const double before = slope;
        slope = next - value;
        value = next;
        ASSERT_LT(std::fabs(slope - before), 2 * 1.1 / std::pow(kTau * kRateHz, 2)) << n;
    }
}

}  // namespace
}  // namespace sidetone::dsp
