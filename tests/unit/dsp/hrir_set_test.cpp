// SPDX-License-Identifier: Apache-2.0
#include "dsp/hrir_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "dsp/response_resampler.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::uint32_t kRateHz = 48'000;

/// A band-limited click at a place between frames.
std::vector<float> click(double at, std::size_t length = 256) {
    std::vector<float> response(length);
    for (std::size_t n = 0; n < length; ++n) {
        const double x = static_cast<double>(n) - at;
        response[n] = static_cast<float>(std::exp(-x * x / 8) * (1 - x * x / 16));
    }
    return response;
}

/// A head without shadow: the ears are 9 cm to either side, sound takes its time.
double delay_of(const Direction& direction, std::size_t ear) {
    const double left = std::sin(direction.azimuth_deg * std::numbers::pi / 180) *
                        std::cos(direction.elevation_deg * std::numbers::pi / 180);
    return 80 + (ear == 0 ? -1 : 1) * left * 0.09 / 343 * kRateHz;
}

HrirSet open_head(double step_deg) {
    std::vector<HrirSet::Measurement> measurements;
    for (double elevation = -60; elevation <= 60; elevation += step_deg) {
        for (double azimuth = 0; azimuth < 360; azimuth += step_deg) {
            const Direction direction{azimuth, elevation};
            measurements.push_back({direction, {click(delay_of(direction, 0)), click(delay_of(direction, 1))}});
        }
    }
    return {kRateHz, std::move(measurements), "open head"};
}

double energy(const std::vector<float>& taps) {
    return std::inner_product(taps.begin(), taps.end(), taps.begin(), 0.0);
}

TEST(HrirSet, GivesMeasuredDirectionsAsTheyAre) {
    const auto set = open_head(15);
    EXPECT_EQ(set.at({30, 15}), set.nearest({30, 15}).ears);
    EXPECT_EQ(set.at({-30, 0}), set.nearest({330, 0}).ears);
}

TEST(HrirSet, InterpolatesDelaysBetweenDirections) {
    const auto set = open_head(10);
    for (const Direction direction : {Direction{33, 4}, Direction{97, -22}, Direction{201, 37}, Direction{-5, 1}}) {
        const auto ears = set.at(direction);
        for (std::size_t ear = 0; ear < 2; ++ear) {
            const double later = delay_between(click(delay_of(direction, ear)), ears[ear], 40);
            EXPECT_NEAR(later, 0, 0.3) << direction.azimuth_deg << ", ear " << ear;  // of 12 frames from ear to ear
        }
    }
}

TEST(HrirSet, CombsNothing) {
    const auto set = open_head(20);
    const double whole = energy(click(80));
    for (double azimuth = 0; azimuth < 360; azimuth += 7) {
        const auto ears = set.at({azimuth, 9});
        for (const auto& ear : ears) EXPECT_NEAR(energy(ear), whole, 0.03 * whole) << azimuth;
    }
}

TEST(ResponseResampler, KeepsDelayAndLoudness) {
    const double left = delay_of({90, 0}, 0);
    const auto before = click(left);
    const ResponseResampler resampler(kRateHz, 96'000);
    const auto ears = resampler.resampled({before, before});
    EXPECT_EQ(ears[0].size(), resampler.length(before.size()));
    const auto peak = static_cast<double>(std::max_element(ears[0].begin(), ears[0].end()) - ears[0].begin());
    EXPECT_NEAR(peak, 2 * left, 1);
    EXPECT_NEAR(std::accumulate(ears[0].begin(), ears[0].end(), 0.0),
                std::accumulate(before.begin(), before.end(), 0.0), 1e-3);
}

TEST(ResponseResampler, LeavesResponsesOfTheSameRate) {
    const EarPair ears{click(80), click(90)};
    EXPECT_EQ(ResponseResampler(kRateHz, kRateHz).resampled(ears), ears);
}

TEST(ResponseResampler, MayComeBehindTheInterpolation) {
    const auto set = open_head(10);
    for (const std::uint32_t rate_hz : {44'100U, 96'000U, 192'000U}) {
        const ResponseResampler resampler(kRateHz, rate_hz);
        auto measurements = set.measurements();
        for (auto& measurement : measurements) measurement.ears = resampler.resampled(measurement.ears);
        const HrirSet resampled_before(rate_hz, std::move(measurements), "resampled");
        for (const Direction direction :
             {Direction{30, 10}, Direction{33, 4}, Direction{97, -22}, Direction{201, 37}}) {
            const auto expected = resampled_before.at(direction);
            const auto found = resampler.resampled(set.at(direction));
            for (std::size_t ear = 0; ear < 2; ++ear) {
                auto difference = found[ear];
                for (std::size_t n = 0; n < difference.size(); ++n) difference[n] -= expected[ear][n];
                EXPECT_LT(energy(difference), 1e-4 * energy(expected[ear])) << rate_hz << ", " << direction.azimuth_deg;
            }
        }
    }
}

TEST(Shifted, MovesByPartsOfAFrame) {
    for (const double delay : {0.0, 0.25, 0.5, 3.75, -0.5, -7.125}) {
        const auto moved = shifted(click(100), delay);
        const auto expected = click(100 + delay);
        for (std::size_t n = 0; n < moved.size(); ++n) ASSERT_NEAR(moved[n], expected[n], 1e-3) << delay << ", " << n;
    }
}

TEST(DelayBetween, FindsPlacesBetweenFrames) {
    EXPECT_NEAR(delay_between(click(80), click(92.3), 30), 12.3, 0.1);
    EXPECT_NEAR(delay_between(click(80), click(75.5), 30), -4.5, 0.1);
}

TEST(SeenFrom, TurnsTheSoundAgainstTheHead) {
    const auto expect = [](const Orientation& head, const Direction& sound, const Direction& expected) {
        EXPECT_LT(angle_between_deg(seen_from(head, sound), expected), 1e-4);
    };
    expect({}, {30, 10}, {30, 10});
    expect({.yaw_deg = 30}, {30, 0}, {0, 0});     // turned to the left speaker
    expect({.yaw_deg = -90}, {0, 0}, {90, 0});    // turned to the right: the front is left
    expect({.pitch_deg = 45}, {0, 0}, {0, -45});  // looking up: the front is below
    expect({.roll_deg = 90}, {90, 0}, {0, 90});   // right ear down: the left is above
    expect({.yaw_deg = 90, .pitch_deg = 30}, {90, 0}, {0, -30});
}

}  // namespace
}  // namespace sidetone::dsp
