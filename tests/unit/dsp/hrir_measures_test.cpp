// SPDX-License-Identifier: Apache-2.0
#include "dsp/hrir_measures.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sidetone::dsp {
namespace {

/// A short pulse whose middle is at `at_us`.
std::vector<float> pulse(double at_us, double gain, std::uint32_t rate_hz) {
    std::vector<float> response(rate_hz / 100);
    for (std::size_t n = 0; n < response.size(); ++n) {
        const double x = (1e6 * static_cast<double>(n) / rate_hz - at_us) / 30;
        response[n] = static_cast<float>(gain * std::exp(-x * x / 2));
    }
    return response;
}

class MeasuresOfEars : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(MeasuresOfEars, SayHowMuchLaterAndSofterTheFarEarHears) {
    const auto rate_hz = GetParam();
    for (const double itd_us : {-700.0, -251.3, 0.0, 13.7, 300.0, 655.5}) {
        const auto measures = measure_ears({pulse(1000, 1, rate_hz), pulse(1000 + itd_us, 0.25, rate_hz)}, rate_hz);
        EXPECT_NEAR(measures.itd_us, itd_us, 2) << itd_us;
        EXPECT_NEAR(measures.ild_db, 20 * std::log10(4), 0.01) << itd_us;
        EXPECT_NEAR(measures.delay_us[1] - measures.delay_us[0], itd_us, 6) << itd_us;
    }
}

INSTANTIATE_TEST_SUITE_P(Rates, MeasuresOfEars, ::testing::Values(44'100, 48'000, 192'000),
                         ::testing::PrintToStringParamName());

TEST(MeasuresOfEars, LevelIsThatOfWhiteNoiseThroughTheResponse) {
    const auto measures =
        measure_ears({std::vector<float>{0, 0.6F, 0, 0.8F}, std::vector<float>{0.1F, 0, 0, 0}}, 48'000);
    EXPECT_NEAR(measures.level_db[0], 0, 1e-5);
    EXPECT_NEAR(measures.level_db[1], -20, 1e-5);
    EXPECT_EQ(measures.delay_us[1], 0);
}

TEST(MeasuresOfEars, SilenceHasNoDifferences) {
    const auto measures = measure_ears({std::vector<float>(64), pulse(400, 1, 6400)}, 6400);
    EXPECT_EQ(measures.level_db[0], -std::numeric_limits<double>::infinity());
    EXPECT_EQ(measures.delay_us[0], 0);
    EXPECT_EQ(measures.itd_us, 0);
    EXPECT_EQ(measures.ild_db, 0);
}

}  // namespace
}  // namespace sidetone::dsp
