// SPDX-License-Identifier: Apache-2.0
#include "dsp/minimum_phase_filter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

#include "rt/guard.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::size_t kTransform = 1536, kFade = 48;

// The response once the gains have faded in.
std::vector<double> impulse_response(const std::vector<float>& gains) {
    MinimumPhaseFilter filter{kTransform, kFade};
    std::vector<float> block(kFade, 0.0F);
    filter.set_gains(gains.data());
    filter.process(block.data(), block.data(), kFade);
    std::vector<double> response;
    bool first = true;
    while (response.size() < filter.taps()) {
        filter.set_gains(gains.data());
        std::fill(block.begin(), block.end(), 0.0F);
        block[0] = first ? 1.0F : 0.0F;
        first = false;
        filter.process(block.data(), block.data(), kFade);
        response.insert(response.end(), block.begin(), block.end());
    }
    return response;
}

double magnitude_db(const std::vector<double>& response, double turns) {
    std::complex<double> sum;
    for (std::size_t n = 0; n < response.size(); ++n)
        sum += response[n] * std::polar(1.0, -2 * M_PI * turns * static_cast<double>(n));
    return 20 * std::log10(std::abs(sum));
}

// A gentle band-pass of some 20 dB.
std::vector<float> smooth_gains() {
    std::vector<float> gains(kTransform / 2 + 1);
    for (std::size_t k = 0; k < gains.size(); ++k) {
        const double x = (static_cast<double>(k) - 150) / 120;
        gains[k] = static_cast<float>(0.1 + std::exp(-x * x));
    }
    return gains;
}

TEST(MinimumPhaseFilter, EqualGainsAreAFactorWithoutDelay) {
    const auto response = impulse_response(std::vector<float>(kTransform / 2 + 1, 0.25F));
    EXPECT_NEAR(response[0], 0.25, 1e-5);
    for (std::size_t n = 1; n < response.size(); ++n) EXPECT_NEAR(response[n], 0, 1e-5) << n;
}

TEST(MinimumPhaseFilter, ResponseHasTheGains) {
    const auto gains = smooth_gains();
    const auto response = impulse_response(gains);
    for (std::size_t k = 0; k < gains.size(); k += 8) {
        const auto wanted = 20 * std::log10(static_cast<double>(gains[k]));
        EXPECT_NEAR(magnitude_db(response, static_cast<double>(k) / kTransform), wanted, 0.5) << k;
    }
}

// Of all responses with these gains the least-phase one starts with the largest sample, which is the mean gain in
// decibels (the cepstrum at 0).
TEST(MinimumPhaseFilter, FirstSampleIsTheMeanGainInDecibels) {
    const auto gains = smooth_gains();
    double mean = 0;
    for (std::size_t k = 0; k < gains.size(); ++k) {
        const bool is_edge = k == 0 || k + 1 == gains.size();
        mean += (is_edge ? 0.5 : 1.0) * std::log(static_cast<double>(gains[k])) / (kTransform / 2.0);
    }
    EXPECT_NEAR(impulse_response(gains)[0] / std::exp(mean), 1, 0.01);
}

TEST(MinimumPhaseFilter, NewGainsFadeInWithoutAStep) {
    MinimumPhaseFilter filter{kTransform, kFade};
    std::vector<float> block(kFade);
    std::vector<float> sound;
    for (int hop = 0; hop < 12; ++hop) {
        const std::vector<float> gains(kTransform / 2 + 1, hop < 6 ? 1.0F : 0.1F);
        filter.set_gains(gains.data());
        std::fill(block.begin(), block.end(), 1.0F);
        filter.process(block.data(), block.data(), 20);
        filter.process(block.data() + 20, block.data() + 20, kFade - 20);
        sound.insert(sound.end(), block.begin(), block.end());
    }
    EXPECT_NEAR(sound.front(), 1, 1e-4);
    EXPECT_NEAR(sound.back(), 0.1, 1e-4);
    for (std::size_t n = 1; n < sound.size(); ++n) EXPECT_LT(std::fabs(sound[n] - sound[n - 1]), 0.9 / kFade + 1e-3);
}

TEST(MinimumPhaseFilter, RunsWithoutTheHeap) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "nothing counts heap calls here";
    MinimumPhaseFilter filter{kTransform, kFade};
    const auto gains = smooth_gains();
    std::vector<float> block(kFade);
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        filter.set_gains(gains.data());
        filter.process(block.data(), block.data(), kFade);
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
