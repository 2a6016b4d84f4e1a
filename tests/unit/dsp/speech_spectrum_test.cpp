// SPDX-License-Identifier: Apache-2.0
#include "dsp/speech_spectrum.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sidetone::dsp {
namespace {

TEST(SpeechSpectrum, AddsUpToTheOverallLevel) {
    EXPECT_NEAR(speech_level_between_db_spl(50, 20'000, 70), 70, 0.3);
    EXPECT_NEAR(speech_level_between_db_spl(50, 20'000, 55), 55, 0.3);
}

TEST(SpeechSpectrum, ThirdOctavesAreThePublishedOnes) {
    const auto third_octave = [](double centre_hz) {
        const double half = std::pow(10.0, 0.05);
        return speech_level_between_db_spl(centre_hz / half, centre_hz * half, 70);
    };
    EXPECT_NEAR(third_octave(1000), 53.7, 0.01);
    EXPECT_NEAR(third_octave(1000 * std::pow(10.0, -0.3)), 62.1, 0.01);  // 500 Hz
    EXPECT_NEAR(third_octave(1000 * std::pow(10.0, 0.6)), 45.6, 0.01);   // 4 kHz
}

TEST(SpeechSpectrum, HasNothingWhereNothingWasMeasured) {
    EXPECT_LT(speech_level_between_db_spl(20'000, 22'000, 70), -200);
}

}  // namespace
}  // namespace sidetone::dsp
