// SPDX-License-Identifier: Apache-2.0
#include "dsp/window.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string_view>

namespace sidetone::dsp {
namespace {

TEST(Window, NamesAreKnownAndOthersRefused) {
    EXPECT_EQ(window_shape("rectangular"), WindowShape::rectangular);
    EXPECT_EQ(window_shape("hann"), WindowShape::hann);
    EXPECT_EQ(window_shape("sqrt_hann"), WindowShape::sqrt_hann);
    EXPECT_EQ(window_shape("vorbis"), WindowShape::vorbis);
    EXPECT_THROW(static_cast<void>(window_shape("Hann")), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(window_shape("")), std::invalid_argument);
}

TEST(Window, HannIsTheRaisedCosineOfItsPeriod) {
    const auto window = make_window(WindowShape::hann, 400);
    for (std::size_t n = 0; n < 400; ++n) {
        ASSERT_NEAR(window[n], 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / 400), 1e-7) << n;
    }
    EXPECT_EQ(window[0], 0.0F);
    EXPECT_EQ(window[200], 1.0F);
}

TEST(Window, RectangularIsAllOnes) {
    for (const float sample : make_window(WindowShape::rectangular, 33)) EXPECT_EQ(sample, 1.0F);
}

class PowerComplementaryWindow : public ::testing::TestWithParam<WindowShape> {};
INSTANTIATE_TEST_SUITE_P(Shapes, PowerComplementaryWindow,
                         ::testing::Values(WindowShape::sqrt_hann, WindowShape::vorbis));

TEST_P(PowerComplementaryWindow, SquaresAddUpToOneAtHalfOverlap) {
    for (const std::size_t length : {96U, 320U, 512U}) {
        const auto window = make_window(GetParam(), length);
        for (std::size_t n = 0; n < length / 2; ++n) {
            ASSERT_NEAR(window[n] * window[n] + window[n + length / 2] * window[n + length / 2], 1.0F, 3e-7) << n;
        }
    }
}

TEST(Window, VorbisIsSymmetricAndNowhereZero) {
    const auto window = make_window(WindowShape::vorbis, 256);
    for (std::size_t n = 0; n < 256; ++n) {
        ASSERT_GT(window[n], 0.0F);
        ASSERT_NEAR(window[n], window[255 - n], 1e-7) << n;
    }
}

}  // namespace
}  // namespace sidetone::dsp
