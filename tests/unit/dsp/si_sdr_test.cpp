// SPDX-License-Identifier: Apache-2.0
#include "dsp/si_sdr.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

TEST(SiSdr, OfOrthogonalNoiseIsThePowerRatio) {
    // Whole periods of two sines are orthogonal, so the ratio of their powers is exact: 20 dB.
    const auto reference = test::sine(100, 48'000, 0, 48'000);
    const auto noise = test::sine(333, 48'000, 0, 48'000);
    std::vector<float> estimate(reference.size());
    for (std::size_t n = 0; n < estimate.size(); ++n) estimate[n] = reference[n] + 0.1F * noise[n];
    EXPECT_NEAR(si_sdr_db(reference, estimate), 20.0, 1e-4);
}

TEST(SiSdr, IgnoresScaleSignAndMean) {
    const auto reference = test::white_noise(4000, 21);
    const auto noise = test::white_noise(4000, 22, 0.3F);
    std::vector<float> estimate(4000);
    std::vector<float> changed(4000);
    for (std::size_t n = 0; n < estimate.size(); ++n) {
        estimate[n] = reference[n] + noise[n];
        changed[n] = -0.25F * estimate[n] + 0.5F;
    }
    EXPECT_NEAR(si_sdr_db(reference, changed), si_sdr_db(reference, estimate), 1e-4);
}

TEST(SiSdr, IsInfiniteForTheReferenceItselfAndLowForAStranger) {
    const auto reference = test::white_noise(4000, 23);
    EXPECT_EQ(si_sdr_db(reference, reference), INFINITY);
    EXPECT_LT(si_sdr_db(reference, test::white_noise(4000, 24)), -15.0);
}

TEST(SiSdr, IsNotANumberForConstants) {
    const std::vector<float> constant(100, 0.5F);
    const auto noise = test::white_noise(100, 25);
    EXPECT_TRUE(std::isnan(si_sdr_db(constant, noise)));
    EXPECT_TRUE(std::isnan(si_sdr_db(noise, constant)));
    EXPECT_TRUE(std::isnan(si_sdr_db({}, {})));
}

TEST(SiSdr, RefusesDifferentLengths) {
    EXPECT_THROW(static_cast<void>(si_sdr_db(std::vector<float>(3), std::vector<float>(4))), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
