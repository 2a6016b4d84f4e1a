// SPDX-License-Identifier: Apache-2.0
#include "dsp/biquad.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

using Shape = EqualiserFilter::Shape;
constexpr double kRateHz = 48'000;

double db(double factor) {
    return 20 * std::log10(factor);
}

double gain_db(const EqualiserFilter& filter, double frequency_hz, double rate_hz = kRateHz) {
    return db(std::abs(response(make_biquad(filter, rate_hz), frequency_hz, rate_hz)));
}

TEST(Biquad, PeakHasItsGainAtItsFrequencyAndNoneFarAway) {
    for (const double gain : {-12.0, -3.0, 6.0, 18.0}) {
        const EqualiserFilter filter{Shape::peaking, 1000, gain, 1.4};
        EXPECT_NEAR(gain_db(filter, 1000), gain, 1e-9);
        EXPECT_NEAR(gain_db(filter, 0), 0, 1e-9);
        EXPECT_NEAR(gain_db(filter, 24'000), 0, 1e-9);
    }
}

/// The analogue prototype of the cookbook, H(s) with s = i tan(πf/rate) / tan(πf0/rate): what the bilinear transform
/// maps its digital filter to, exactly.
std::complex<double> prototype(const EqualiserFilter& filter, double frequency_hz) {
    const double warped = std::tan(std::numbers::pi * frequency_hz / kRateHz) /
                          std::tan(std::numbers::pi * filter.frequency_hz / kRateHz);
    const std::complex<double> s{0, warped};
    const double a = std::pow(10.0, filter.gain_db / 40);
    const double q = filter.q;
    const auto low_shelf = [&](std::complex<double> x) {
        return a * (x * x + std::sqrt(a) / q * x + a) / (a * x * x + std::sqrt(a) / q * x + 1.0);
    };
    switch (filter.shape) {
        case Shape::peaking:
            return (s * s + s * (a / q) + 1.0) / (s * s + s / (a * q) + 1.0);
        case Shape::low_shelf:
            return low_shelf(s);
        case Shape::high_shelf:
            return a * (a * s * s + std::sqrt(a) / q * s + 1.0) / (s * s + std::sqrt(a) / q * s + a);
        case Shape::low_pass:
            return 1.0 / (s * s + s / q + 1.0);
        case Shape::high_pass:
            return s * s / (s * s + s / q + 1.0);
        case Shape::notch:
            return (s * s + 1.0) / (s * s + s / q + 1.0);
    }
    return 0;
}

TEST(Biquad, ResponseIsThatOfItsAnaloguePrototypeForEveryShape) {
    for (const auto shape :
         {Shape::peaking, Shape::low_shelf, Shape::high_shelf, Shape::low_pass, Shape::high_pass, Shape::notch}) {
        for (const double corner_hz : {30.0, 1000.0, 9000.0}) {
            for (const double gain : {-9.0, 5.5}) {
                const EqualiserFilter filter{shape, corner_hz, gain, 0.9};
                const auto biquad = make_biquad(filter, kRateHz);
                for (const double hz : {20.0, 105.0, 1000.0, 7000.0, 20'000.0}) {
                    EXPECT_NEAR(std::abs(response(biquad, hz, kRateHz) - prototype(filter, hz)), 0, 1e-9)
                        << "shape " << static_cast<int>(shape) << ", " << corner_hz << " Hz, at " << hz << " Hz";
                }
            }
        }
    }
}

TEST(Biquad, AboveHalfTheRatePassesEverything) {
    EXPECT_EQ(gain_db({Shape::high_shelf, 10'000, -12, 0.7}, 3000, 16'000), 0);
}

const std::vector<EqualiserFilter> kTenFilters{{Shape::low_shelf, 105, 5.5, 0.7}, {Shape::peaking, 60, -2, 1.1},
                                               {Shape::peaking, 250, 3, 2},       {Shape::peaking, 500, -6, 0.6},
                                               {Shape::peaking, 1000, 4, 4},      {Shape::peaking, 2000, -3, 1},
                                               {Shape::peaking, 4000, 6, 3},      {Shape::peaking, 6000, -5.5, 5},
                                               {Shape::peaking, 9000, 2, 2},      {Shape::high_shelf, 10'000, -4, 0.7}};

std::vector<Biquad> biquads_of(const std::vector<EqualiserFilter>& filters) {
    std::vector<Biquad> biquads;
    for (const auto& filter : filters) biquads.push_back(make_biquad(filter, kRateHz));
    return biquads;
}

/// `signal` on every one of `channels`, in blocks of `block`; what comes out of `channel`.
std::vector<float> through(BiquadCascade& cascade, const std::vector<float>& signal, std::size_t channels = 1,
                           std::size_t channel = 0, std::size_t block = 128) {
    std::vector<std::vector<float>> buffers(channels, std::vector<float>(block));
    std::vector<float*> pointers;
    for (auto& buffer : buffers) pointers.push_back(buffer.data());
    std::vector<float> out;
    for (std::size_t n = 0; n < signal.size(); n += block) {
        const auto count = std::min(block, signal.size() - n);
        for (auto& buffer : buffers)
            std::copy_n(signal.begin() + static_cast<std::ptrdiff_t>(n), count, buffer.begin());
        cascade.process(pointers.data(), pointers.data(), count);
        out.insert(out.end(), buffers[channel].begin(), buffers[channel].begin() + static_cast<std::ptrdiff_t>(count));
    }
    return out;
}

std::complex<double> spectrum_at(const std::vector<float>& signal, double frequency_hz) {
    std::complex<double> sum = 0;
    for (std::size_t n = 0; n < signal.size(); ++n) {
        sum += static_cast<double>(signal[n]) *
               std::polar(1.0, -2 * std::numbers::pi * frequency_hz * static_cast<double>(n) / kRateHz);
    }
    return sum;
}

TEST(BiquadCascade, ImpulseResponseIsTheClosedFormOnEveryChannel) {
    const auto biquads = biquads_of(kTenFilters);
    std::vector<float> impulse(48'000);
    impulse[0] = 1;
    for (const std::size_t channels : {1U, 2U, 3U}) {
        for (std::size_t channel = 0; channel < channels; ++channel) {
            BiquadCascade cascade(channels, kRateHz);
            cascade.set(biquads);
            const auto out = through(cascade, impulse, channels, channel);
            for (const double hz : {20.0, 105.0, 500.0, 1000.0, 4100.0, 15'000.0}) {
                std::complex<double> expected = 1;
                for (const auto& biquad : biquads) expected *= response(biquad, hz, kRateHz);
                EXPECT_NEAR(db(std::abs(spectrum_at(out, hz) / expected)), 0, 0.001) << hz << " Hz";
            }
        }
    }
}

TEST(BiquadCascade, BlockSizeChangesNothing) {
    const auto noise = test::white_noise(10'000, 51);
    std::vector<float> expected;
    for (const std::size_t block : {1U, 7U, 64U, 1000U, 10'000U}) {
        BiquadCascade cascade(2, kRateHz);
        cascade.set({});
        cascade.set(biquads_of(kTenFilters));
        const auto out = through(cascade, noise, 2, 1, block);
        if (expected.empty()) expected = out;
        EXPECT_EQ(out, expected) << block;
    }
}

TEST(BiquadCascade, WithoutFiltersChangesNothing) {
    BiquadCascade cascade(1, kRateHz);
    cascade.set({});
    const auto noise = test::white_noise(1000, 52);
    EXPECT_EQ(through(cascade, noise), noise);
}

/// Power from 4 kHz up, where a 500 Hz sine has none, against all power; Blackman window, whole signal.
double splatter_db(const std::vector<float>& signal) {
    const std::size_t length = signal.size();
    std::vector<float> windowed(length);
    double power = 0;
    for (std::size_t n = 0; n < length; ++n) {
        const double turn = 2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(length);
        windowed[n] = static_cast<float>(signal[n] * (0.42 - 0.5 * std::cos(turn) + 0.08 * std::cos(2 * turn)));
        power += static_cast<double>(windowed[n]) * windowed[n];
    }
    double above = 0;
    const double bin_hz = kRateHz / static_cast<double>(length);
    for (auto k = static_cast<std::size_t>(4000 / bin_hz); k < length / 2; ++k) {
        above += 2 * std::norm(spectrum_at(windowed, static_cast<double>(k) * bin_hz)) / static_cast<double>(length);
    }
    return 10 * std::log10(above / power);
}

TEST(BiquadCascade, AnotherSetOfFiltersIsReachedWithoutAClick) {
    const auto tone = test::sine(500, kRateHz, 0, 9'600);
    const std::vector<float> first(tone.begin(), tone.begin() + 7'600);
    const std::vector<float> second(tone.begin() + 7'600, tone.end());
    const std::vector<EqualiserFilter> before{{Shape::peaking, 500, 0, 1}};
    const std::vector<EqualiserFilter> after{{Shape::peaking, 500, -12, 1}, {Shape::low_shelf, 200, -6, 0.7}};

    BiquadCascade gliding(1, kRateHz);
    gliding.set(biquads_of(before));
    through(gliding, first);
    gliding.set(biquads_of(after));
    const auto smooth = through(gliding, second);

    BiquadCascade old(1, kRateHz);
    old.set(biquads_of(before));
    auto abrupt = through(old, first);
    abrupt.erase(abrupt.begin(), abrupt.end() - 1'000);
    BiquadCascade fresh(1, kRateHz);
    fresh.set(biquads_of(after));
    const auto settled = through(fresh, tone);
    abrupt.insert(abrupt.end(), settled.begin() + 7'600, settled.begin() + 8'600);

    EXPECT_GT(splatter_db(abrupt), -60) << "the test would not hear a click";
    EXPECT_LT(splatter_db(smooth), -90);

    BiquadCascade reached(1, kRateHz);
    reached.set(biquads_of(after));
    const auto expected = through(reached, test::sine(500, kRateHz, 0, 9'600));
    for (std::size_t n = 1'900; n < 2'000; ++n) EXPECT_NEAR(smooth[n], expected[7'600 + n], 1e-4);
}

TEST(BiquadCascade, OutlivesWhatIsNoSound) {
    BiquadCascade cascade(2, kRateHz);
    cascade.set(biquads_of(kTenFilters));
    auto noise = test::white_noise(48'000, 53, 0.1F);
    auto spoilt = noise;
    spoilt[10] = std::numeric_limits<float>::quiet_NaN();
    spoilt[11] = std::numeric_limits<float>::infinity();
    spoilt[12] = -1e30F;
    const auto out = through(cascade, spoilt, 2);
    cascade.reset();
    const auto expected = through(cascade, noise, 2);
    for (const float sample : out) ASSERT_TRUE(std::isfinite(sample));
    for (std::size_t n = 40'000; n < out.size(); ++n) ASSERT_NEAR(out[n], expected[n], 1e-5F);
}

TEST(BiquadCascade, MakesNoHeapCallAndTakesNoLock) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    BiquadCascade cascade(2, kRateHz);
    const auto biquads = biquads_of(kTenFilters);
    std::vector<float> left(128, 0.1F);
    std::vector<float> right(128, 0.1F);
    float* buffers[] = {left.data(), right.data()};
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        cascade.set(biquads);
        cascade.process(buffers, buffers, 128);
        cascade.set({});
        for (int block = 0; block < 20; ++block) cascade.process(buffers, buffers, 128);
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
