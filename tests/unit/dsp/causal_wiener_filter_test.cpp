// SPDX-License-Identifier: Apache-2.0
#include "dsp/causal_wiener_filter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

#include "dsp/minimum_phase_filter.hpp"
#include "rt/guard.hpp"

namespace sidetone::dsp {
namespace {

constexpr std::size_t kTransform = 512, kTaps = 128, kFade = 32, kBins = kTransform / 2 + 1;

using Spectrum = std::vector<std::complex<float>>;

// The response once the gains have faded in.
std::vector<double> impulse_response(const std::vector<float>& gains, const Spectrum& spectrum, std::size_t delay = 0) {
    CausalWienerFilter filter{kTransform, kTaps, delay, kFade};
    std::vector<float> block(kFade, 0.0F);
    filter.set_gains(gains.data(), spectrum.data());
    filter.process(block.data(), block.data(), kFade);
    std::vector<double> response;
    for (bool first = true; response.size() < kTaps; first = false) {
        filter.set_gains(gains.data(), spectrum.data());
        std::fill(block.begin(), block.end(), 0.0F);
        if (first) block[0] = 1;
        filter.process(block.data(), block.data(), kFade);
        response.insert(response.end(), block.begin(), block.end());
    }
    return response;
}

// Gains that fall from 1 to 0 and rise again, as around a voice's harmonic.
std::vector<float> notch_gains() {
    std::vector<float> gains(kBins);
    for (std::size_t k = 0; k < kBins; ++k) {
        const double x = (static_cast<double>(k) - 60) / 12;
        gains[k] = static_cast<float>(1 - std::exp(-x * x));
    }
    return gains;
}

// Of a sound with two broad peaks, 30 dB above the rest.
Spectrum coloured_spectrum() {
    Spectrum spectrum(kBins);
    for (std::size_t k = 0; k < kBins; ++k) {
        const double x = (static_cast<double>(k) - 40) / 10, y = (static_cast<double>(k) - 110) / 15;
        spectrum[k] = static_cast<float>(std::sqrt(1e-3 + std::exp(-x * x) + std::exp(-y * y)));
    }
    return spectrum;
}

TEST(CausalWienerFilter, EqualGainsAreAFactorWhateverTheSound) {
    for (const std::size_t delay : {0U, 1U, 20U, 64U}) {
        const auto response = impulse_response(std::vector<float>(kBins, 0.5F), coloured_spectrum(), delay);
        for (std::size_t n = 0; n < kTaps; ++n) EXPECT_NEAR(response[n], n == delay ? 0.5 : 0.0, 1e-4) << n;
    }
}

TEST(CausalWienerFilter, PassesEverythingUntilGainsCome) {
    CausalWienerFilter filter{kTransform, kTaps, 5, kFade};
    std::vector<float> block(kFade, 0.0F);
    block[0] = 1;
    filter.process(block.data(), block.data(), kFade);
    for (std::size_t n = 0; n < kFade; ++n) EXPECT_EQ(block[n], n == 5 ? 1.0F : 0.0F) << n;
}

TEST(CausalWienerFilter, SilenceIsPassedByTheMeanGain) {
    const auto gains = notch_gains();
    const auto response = impulse_response(gains, Spectrum(kBins, 0.0F));
    EXPECT_GT(response[0], 0.8);
    for (const double tap : response) EXPECT_TRUE(std::isfinite(tap));
}

// Samples of white noise tell nothing of those to come: what remains of the zero-phase response is what lies before.
TEST(CausalWienerFilter, OfWhiteNoiseIsWhatOfTheResponseIsNotYetToCome) {
    const auto gains = notch_gains();
    for (const std::size_t delay : {0U, 1U, 20U}) {
        const auto response = impulse_response(gains, Spectrum(kBins, 1.0F), delay);
        for (std::size_t n = 0; n < kTaps * 3 / 4; ++n) {  // what follows is faded out
            const auto from_centre = static_cast<double>(n) - static_cast<double>(delay);
            double wanted = 0;
            for (std::size_t k = 0; k < kBins; ++k) {
                const double weight = k == 0 || k + 1 == kBins ? 1 : 2;
                wanted += weight * static_cast<double>(gains[k]) *
                          std::cos(2 * M_PI * static_cast<double>(k) * from_centre / kTransform) / kTransform;
            }
            EXPECT_NEAR(response[n], wanted, 1e-4) << n;
        }
    }
}

/// Power of what a response leaves wrong of a sound with this spectrum, beside the power of what is wanted.
double error_share(const std::vector<double>& response, const std::vector<float>& gains, const Spectrum& spectrum,
                   std::size_t delay = 0) {
    double error = 0, wanted = 0;
    for (std::size_t k = 0; k < kBins; ++k) {
        std::complex<double> sum;
        for (std::size_t n = 0; n < response.size(); ++n) {
            const auto late = static_cast<double>(n) - static_cast<double>(delay);
            sum += response[n] * std::polar(1.0, -2 * M_PI * static_cast<double>(k) * late / kTransform);
        }
        const auto gain = static_cast<double>(gains[k]), power = std::norm(std::complex<double>{spectrum[k]});
        error += power * std::norm(sum - gain);
        wanted += power * gain * gain;
    }
    return error / wanted;
}

TEST(CausalWienerFilter, ComesFarNearerThanAMinimumPhaseFilter) {
    const auto gains = notch_gains();
    const auto spectrum = coloured_spectrum();
    MinimumPhaseFilter other{kTransform, kFade};
    std::vector<double> minimum_phase;
    std::vector<float> block(kFade, 0.0F);
    other.set_gains(gains.data());
    other.process(block.data(), block.data(), kFade);
    for (bool first = true; minimum_phase.size() < other.taps(); first = false) {
        other.set_gains(gains.data());
        std::fill(block.begin(), block.end(), 0.0F);
        if (first) block[0] = 1;
        other.process(block.data(), block.data(), kFade);
        minimum_phase.insert(minimum_phase.end(), block.begin(), block.end());
    }
    EXPECT_LT(error_share(impulse_response(gains, spectrum), gains, spectrum),
              0.5 * error_share(minimum_phase, gains, spectrum));
}

TEST(CausalWienerFilter, ComesNearerTheLaterItMayBe) {
    const auto gains = notch_gains();
    const auto spectrum = coloured_spectrum();
    double last = 1;
    for (const std::size_t delay : {0U, 4U, 16U, 48U}) {
        const auto error = error_share(impulse_response(gains, spectrum, delay), gains, spectrum, delay);
        EXPECT_LT(error, 0.8 * last) << delay;
        last = error;
    }
}

TEST(CausalWienerFilter, RunsWithoutTheHeap) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "nothing counts heap calls here";
    CausalWienerFilter filter{kTransform, kTaps, 0, kFade};
    const auto gains = notch_gains();
    const auto spectrum = coloured_spectrum();
    std::vector<float> block(kFade);
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        filter.set_gains(gains.data(), spectrum.data());
        filter.process(block.data(), block.data(), kFade);
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
