// SPDX-License-Identifier: Apache-2.0
#include "dsp/response_estimate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "dsp/biquad.hpp"
#include "dsp/hrir_measures.hpp"
#include "signals.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kRateHz = 48'000;
constexpr std::size_t kFrames = 30'000, kTail = 4000;

/// Noise that dies away: no two alike.
std::vector<float> some_response(std::size_t length, std::uint32_t seed) {
    auto response = test::white_noise(length, seed, 0.1F);
    for (std::size_t n = 0; n < length; ++n)
        response[n] *= std::exp(-8 * static_cast<float>(n) / static_cast<float>(length));
    return response;
}

/// In double precision, as long as the sound; it ends in silence.
std::vector<float> convolved(const std::vector<float>& sound, const std::vector<float>& response) {
    std::vector<float> result(sound.size());
    for (std::size_t n = 0; n < result.size(); ++n) {
        double sum = 0;
        for (std::size_t k = 0; k < std::min(response.size(), n + 1); ++k) {
            sum += static_cast<double>(response[k]) * static_cast<double>(sound[n - k]);
        }
        result[n] = static_cast<float>(sum);
    }
    return result;
}

std::vector<float> below(std::vector<float> sound, double frequency_hz) {
    BiquadCascade low_pass(1, kRateHz);
    std::array<Biquad, 8> biquads;
    biquads.fill(make_biquad(
        {.shape = EqualiserFilter::Shape::low_pass, .frequency_hz = frequency_hz, .gain_db = 0, .q = 0.7}, kRateHz));
    low_pass.set(biquads);
    float* channel = sound.data();
    low_pass.process(&channel, &channel, sound.size());
    return sound;
}

double energy(const std::vector<float>& signal) {
    double sum = 0;
    for (const float sample : signal) sum += static_cast<double>(sample) * static_cast<double>(sample);
    return sum;
}

/// Energy of the difference over that of the reference.
double error_db(const std::vector<float>& found, const std::vector<float>& expected) {
    auto difference = expected;
    for (std::size_t n = 0; n < expected.size(); ++n) difference[n] -= found[n];
    return 10 * std::log10(energy(difference) / energy(expected));
}

TEST(EstimatedResponse, IsTheOneThatMadeTheRecording) {
    auto dry = test::white_noise(kFrames, 1, 0.1F);
    std::fill(dry.end() - kTail, dry.end(), 0.0F);
    const auto range = covered_range(dry, kRateHz, 20'000);
    const auto response = some_response(512, 2);
    const auto found = estimated_response(dry, convolved(dry, response), kRateHz, range, response.size());
    EXPECT_LT(error_db(found, response_within(response, kRateHz, range)), -60);
    // Another response is not found: it is measured, not known.
    EXPECT_GT(error_db(found, response_within(some_response(512, 3), kRateHz, range)), -3);
}

TEST(EstimatedResponse, IsLimitedToWhatTheSoundCovers) {
    auto dry = below(test::white_noise(kFrames, 1, 0.1F), 1000);
    std::fill(dry.end() - kTail, dry.end(), 0.0F);
    const auto range = covered_range(dry, kRateHz, 20'000);
    EXPECT_LT(range.low_hz, 50);
    EXPECT_GT(range.high_hz, 1200);
    EXPECT_LT(range.high_hz, 4000);
    const auto response = some_response(512, 2);
    const auto found = estimated_response(dry, convolved(dry, response), kRateHz, range, response.size());
    EXPECT_LT(error_db(found, response_within(response, kRateHz, range)), -25);
}

TEST(ResponseWithin, KeepsTheDifferencesBetweenTheEars) {
    EarPair ears{some_response(512, 2), {}};
    ears[1] = shifted(ears[0], 20.25);
    for (auto& tap : ears[1]) tap *= 0.5F;
    EarPair limited;
    for (std::size_t ear = 0; ear < 2; ++ear) limited[ear] = response_within(ears[ear], kRateHz, {100, 8000});
    const auto measures = measure_ears(limited, 48'000);
    EXPECT_NEAR(measures.itd_us, 20.25 * 1e6 / kRateHz, 2);
    EXPECT_NEAR(measures.ild_db, 6.02, 0.1);
}

TEST(CoveredRange, IsEmptyForSilence) {
    const auto range = covered_range(std::vector<float>(1000), kRateHz, 20'000);
    EXPECT_EQ(range.low_hz, 0);
    EXPECT_EQ(range.high_hz, 0);
}

}  // namespace
}  // namespace sidetone::dsp
