// SPDX-License-Identifier: Apache-2.0
#include "dsp/frequency_bands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sidetone::dsp {
namespace {

TEST(FrequencyBands, ErbNumbersAreThoseOfGlasbergAndMoore) {
    // Their table: 1000 Hz is number 15.6, 4000 Hz 27.1.
    EXPECT_NEAR(erb_number(1000), 15.6, 0.05);
    EXPECT_NEAR(erb_number(4000), 27.1, 0.05);
    for (const double hz : {0.0, 50.0, 1000.0, 16'000.0}) {
        EXPECT_NEAR(frequency_of_erb_number(erb_number(hz)), hz, 1e-9 * (1 + hz));
    }
}

TEST(FrequencyBands, ErbBandsAreEquallyWideOnThatScale) {
    const auto bands = erb_bands(10, 200, 8000);
    ASSERT_EQ(bands.count(), 10U);
    ASSERT_EQ(bands.edges_hz.size(), 11U);
    EXPECT_NEAR(bands.edges_hz.front(), 200, 1e-6);
    EXPECT_NEAR(bands.edges_hz.back(), 8000, 1e-6);
    const double width = (erb_number(8000) - erb_number(200)) / 10;
    for (std::size_t b = 0; b < 10; ++b) {
        EXPECT_NEAR(erb_number(bands.centres_hz[b]) - erb_number(bands.edges_hz[b]), width / 2, 1e-9);
        EXPECT_NEAR(erb_number(bands.edges_hz[b + 1]) - erb_number(bands.centres_hz[b]), width / 2, 1e-9);
    }
}

TEST(FrequencyBands, AroundCentresHaveTheirEdgesAtGeometricMeans) {
    const auto bands = bands_around({250, 500, 1000, 4000});
    EXPECT_THAT(bands.centres_hz, testing::ElementsAre(250, 500, 1000, 4000));
    const double root = std::sqrt(2.0);
    const double expected[] = {250 / root, 250 * root, 500 * root, 2000, 8000};
    for (std::size_t e = 0; e < 5; ++e) EXPECT_NEAR(bands.edges_hz[e], expected[e], 1e-9);
}

}  // namespace
}  // namespace sidetone::dsp
