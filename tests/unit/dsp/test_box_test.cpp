// SPDX-License-Identifier: Apache-2.0
#include "dsp/test_box.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>

#include "dsp/electroacoustics.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kRate = 48'000;
using Samples = std::vector<float>;

// A device that does the same to every sample.
template <class Function>
DeviceUnderTest memoryless(Function function) {
    return [function](std::span<const float> input) {
        Samples output(input.size());
        std::transform(input.begin(), input.end(), output.begin(), function);
        return output;
    };
}

DeviceUnderTest amplifier(float gain) {
    return memoryless([gain](float x) { return gain * x; });
}

// Limits as hard as can be; `limit` relative to full scale.
DeviceUnderTest clipper(float limit) {
    return memoryless([limit](float x) { return std::clamp(x, -limit, limit); });
}

// The amplitude of a sine at a sound pressure level, where an RMS of 1 is 120 dB SPL.
double amplitude_of(double db_spl) {
    return std::numbers::sqrt2 * std::pow(10.0, (db_spl - 120) / 20);
}

TEST(TestBox, GainIsExactAtEveryFrequencyRateAndLevel) {
    for (const double rate : {16'000.0, 44'100.0, 48'000.0, 96'000.0}) {
        const TestBox box{amplifier(std::pow(10.0F, 17.0F / 20)), rate, {}};
        for (const double level : {50.0, 90.0}) {
            const std::array frequencies{200.0, 1234.5, 6300.0};
            for (const double output : box.output_db_spl(frequencies, level)) EXPECT_NEAR(output, level + 17, 1e-3);
        }
    }
}

TEST(TestBox, FullScaleIsTheLevelOfRmsOne) {
    std::vector<float> seen;
    const DeviceUnderTest device = [&](std::span<const float> input) {
        seen.assign(input.begin(), input.end());
        return seen;
    };
    const TestBox box{device, kRate, {.input_db_spl = 110, .output_db_spl = 130}};
    const std::array frequencies{1000.0};
    // 20 dB below full scale at the microphone; and the ear's full scale is 20 dB above the microphone's.
    EXPECT_NEAR(box.output_db_spl(frequencies, 90)[0], 110, 1e-3);
    EXPECT_NEAR(*std::max_element(seen.begin(), seen.end()), 0.1 * std::numbers::sqrt2, 1e-4);
}

// y(n) = b x(n) + (1 - b) y(n - 1): |H|² = b² / (1 - 2 (1 - b) cos w + (1 - b)²).
TEST(TestBox, ResponseOfAFirstOrderLowpassIsItsClosedForm) {
    constexpr double kB = 0.2;
    const DeviceUnderTest lowpass = [](std::span<const float> input) {
        Samples output(input.size());
        double y = 0;
        for (std::size_t n = 0; n < input.size(); ++n)
            output[n] = static_cast<float>(y += kB * (static_cast<double>(input[n]) - y));
        return output;
    };
    const TestBox box{lowpass, kRate, {}};
    const std::array frequencies{200.0, 1000.0, 3150.0, 8000.0};
    const auto output = box.output_db_spl(frequencies, 60);
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        const double w = 2 * std::numbers::pi * frequencies[i] / kRate, a = 1 - kB;
        const double power = kB * kB / (1 - 2 * a * std::cos(w) + a * a);
        EXPECT_NEAR(output[i], 60 + 10 * std::log10(power), 1e-3) << frequencies[i] << " Hz";
    }
}

// sin³ = (3 sin x - sin 3x) / 4, sin² = (1 - cos 2x) / 2.
TEST(TestBox, DistortionOfAPolynomialIsItsClosedForm) {
    const double amplitude = amplitude_of(70);
    for (const double frequency : {500.0, 800.0, 1600.0}) {
        const double second = 0.04, third = 0.02;  // of the amplitude, before the identities
        const auto device = memoryless([&](float sample) {
            const double x = sample / amplitude;
            return static_cast<float>(amplitude * (x + second * x * x + third * x * x * x));
        });
        const auto found = TestBox{device, kRate, {}}.harmonic_distortion(frequency, 70);
        EXPECT_NEAR(found.share, std::hypot(second / 2, third / 4) / (1 + 3 * third / 4), 2e-5);
        EXPECT_FALSE(found.is_exempt);
    }
    EXPECT_LT((TestBox{amplifier(10), kRate, {}}.harmonic_distortion(500, 70).share), 1e-5);
}

// A sine clipped at the angle t (sin t = limit / amplitude): the harmonics n = 1, 3, 5 … of the wave that is sin x up
// to t and sin t to π/2 are (4/π) (∫ sin x sin nx dx from 0 to t + sin t cos nt / n).
TEST(TestBox, DistortionOfAClipperIsItsFourierSeries) {
    constexpr double kToneHz = 497;  // what lies beyond half the rate does not fold onto harmonics
    const double amplitude = amplitude_of(70);
    for (const double limit : {0.9, 0.5, 0.1}) {
        const double t = std::asin(limit);
        const auto harmonic = [&](int n) {
            const double integral = n == 1
                                        ? t / 2 - std::sin(2 * t) / 4
                                        : std::sin((n - 1) * t) / (2 * (n - 1)) - std::sin((n + 1) * t) / (2 * (n + 1));
            return 4 / std::numbers::pi * (integral + std::sin(t) * std::cos(n * t) / n);
        };
        double power = 0;
        for (int n = 3; n * kToneHz < kRate / 2; n += 2) power += harmonic(n) * harmonic(n);
        const auto found =
            TestBox{clipper(static_cast<float>(limit * amplitude)), kRate, {}}.harmonic_distortion(kToneHz, 70);
        EXPECT_NEAR(found.share, std::sqrt(power) / harmonic(1), 1e-3) << "clipped at " << limit;
    }
}

TEST(TestBox, DistortionWhereTheResponseRisesIsExempt) {
    // Differences of differences of differences rise by nearly 18 dB an octave.
    const DeviceUnderTest differences = [](std::span<const float> input) {
        Samples output(input.size());
        for (std::size_t n = 3; n < input.size(); ++n)
            output[n] = input[n] - 3 * input[n - 1] + 3 * input[n - 2] - input[n - 3];
        return output;
    };
    EXPECT_TRUE((TestBox{differences, kRate, {}}.harmonic_distortion(800, 70).is_exempt));
}

TEST(TestBox, NoiseIsCountedBetween200And5000Hz) {
    constexpr double kDeviation = 1e-4;
    const DeviceUnderTest noisy = [](std::span<const float> input) {
        std::mt19937 generator{7};
        std::normal_distribution<float> noise{0, static_cast<float>(kDeviation)};
        Samples output(input.begin(), input.end());
        for (auto& sample : output) sample += noise(generator);
        return output;
    };
    const double share_of_band = (5000.0 - 200.0) / (kRate / 2);
    const double expected = 120 + 10 * std::log10(kDeviation * kDeviation * share_of_band);
    EXPECT_NEAR((TestBox{noisy, kRate, {}}.noise_db_spl()), expected, 0.3);
    EXPECT_EQ((TestBox{amplifier(1), kRate, {}}.noise_db_spl()), -INFINITY);
}

// A device whose gain in dB goes exponentially to what its input asks for, with a time constant of each direction.
DeviceUnderTest follower(double attack_ms, double release_ms, double gain_high_db) {
    return [=](std::span<const float> input) {
        Samples output(input.size());
        double gain_db = 0, envelope = 0;
        const double threshold = amplitude_of(70);
        for (std::size_t n = 0; n < input.size(); ++n) {
            envelope = std::max<double>(std::fabs(input[n]), envelope * 0.995);  // down within 20 ms: known below
            const double target = envelope > threshold ? gain_high_db : 0;
            const double constant_ms = target < gain_db ? attack_ms : release_ms;
            gain_db += (target - gain_db) * (1 - std::exp(-1000 / (kRate * constant_ms)));
            output[n] = static_cast<float>(input[n] * std::pow(10.0, gain_db / 20));
        }
        return output;
    };
}

// 20 dB on the way: within 3 dB after ln(20 / 3) time constants, within 4 dB after ln(20 / 4).
TEST(TestBox, AttackAndReleaseAreThoseOfAnExponential) {
    const auto step = TestBox{follower(8, 120, -20), kRate, {}}.step_response(2000, 55, 90);
    // The envelope falls by 90 - 70 dB at 0.995 a sample, before the release begins.
    const double fall_ms = std::log(0.1) / std::log(0.995) / kRate * 1000;
    ASSERT_TRUE(step.attack_ms && step.release_ms);
    EXPECT_NEAR(*step.attack_ms, 8 * std::log(20.0 / 3), 0.6);
    EXPECT_NEAR(*step.release_ms, fall_ms + 120 * std::log(20.0 / 4), 1.0);
    EXPECT_NEAR(step.high_db_spl, 70, 0.01);
    EXPECT_NEAR(step.low_db_spl, 55, 0.01);
    ASSERT_EQ(step.time_ms.size(), step.output_db_spl.size());
    EXPECT_NEAR(step.down_ms - step.up_ms, 2000, 0.1);
}

TEST(TestBox, AnAmplifierSettlesAtOnceAndARestlessDeviceNever) {
    const auto at_once = TestBox{amplifier(3), 44'100, {}}.step_response(2000, 55, 90);
    EXPECT_LT(at_once.attack_ms.value(), 0.1);
    EXPECT_LT(at_once.release_ms.value(), 0.1);
    const DeviceUnderTest restless = [](std::span<const float> input) {
        Samples output(input.begin(), input.end());
        for (std::size_t n = 0; n < output.size(); ++n) output[n] *= n / 480 % 2 == 0 ? 1.0F : 0.1F;
        return output;
    };
    const auto never = TestBox{restless, kRate, {}}.step_response(2000, 55, 90);
    EXPECT_FALSE(never.attack_ms || never.release_ms);
}

TEST(TestBox, RefusesADeviceThatLosesSamples) {
    const DeviceUnderTest short_one = [](std::span<const float> input) { return Samples(input.size() - 1); };
    EXPECT_THROW((void)TestBox(short_one, kRate, {}).noise_db_spl(), std::logic_error);
    EXPECT_THROW(TestBox(amplifier(1), 4000, {}), std::invalid_argument);
}

// ── the whole data sheet ────────────────────────────────────────────────────────────────────────

TEST(Electroacoustics, FiguresOfAnAmplifierThatClipsAreThoseOfItsParts) {
    const std::array frequencies{500.0, 2000.0};
    const float gain = 100, limit = static_cast<float>(amplitude_of(110));  // 40 dB, and at most a sine of 110 dB SPL
    const auto device = memoryless([=](float x) { return std::clamp(gain * x, -limit, limit); });
    double last_share = 0;
    const auto found =
        measure_electroacoustics(TestBox{device, kRate, {}}, frequencies, [&](std::string_view, double share) {
            EXPECT_GE(share, last_share);
            last_share = share;
        });
    EXPECT_EQ(last_share, 1);
    // 130 dB SPL clipped to 110 is nearly a square, of which the level is 3 dB higher.
    EXPECT_NEAR(found.hfa_ospl90_db_spl, 113, 0.3);
    EXPECT_NEAR(found.hfa_full_on_gain_db, 40, 1e-3);
    EXPECT_NEAR(found.hfa_gain_db, 40, 1e-3);
    EXPECT_NEAR(found.reference_test_gain_db, found.hfa_ospl90_db_spl - 77, 1e-9);
    EXPECT_EQ(found.range.low_hz, 200);
    EXPECT_EQ(found.range.high_hz, 8000);
    EXPECT_EQ(found.equivalent_input_noise_db_spl, -INFINITY);
    ASSERT_EQ(found.input_output.size(), 2U);
    for (const auto& curve : found.input_output) {
        for (std::size_t i = 0; i < curve.input_db_spl.size(); ++i) {
            const double unlimited = curve.input_db_spl[i] + 40;
            if (unlimited > 110 && unlimited < 125) continue;  // on the way to a square
            EXPECT_NEAR(curve.output_db_spl[i], std::min(unlimited, 113.0), unlimited > 110 ? 0.5 : 1e-3);
        }
    }
    ASSERT_EQ(found.distortion.size(), 3U);
    EXPECT_LT(found.distortion[0].share, 1e-4) << "70 dB SPL just reaches the limit";
}

TEST(Electroacoustics, RangeEndsWhereAFilterCrossesTheLine) {
    // Two equal poles: |H|² = (b² / (1 - 2 a cos w + a²))², found by bisection where it is 20 dB below the average.
    constexpr double kB = 0.12, kA = 1 - kB;
    const DeviceUnderTest lowpass = [](std::span<const float> input) {
        Samples output(input.size());
        double y = 0, z = 0;
        for (std::size_t n = 0; n < input.size(); ++n) {
            y += kB * (static_cast<double>(input[n]) - y);
            z += kB * (y - z);
            output[n] = static_cast<float>(z);
        }
        return output;
    };
    const auto response_db = [](double frequency_hz) {
        const double w = 2 * std::numbers::pi * frequency_hz / kRate;
        return 20 * std::log10(kB * kB / (1 - 2 * kA * std::cos(w) + kA * kA));
    };
    const double line = (response_db(1000) + response_db(1600) + response_db(2500)) / 3 - 20;
    double low = 2500, high = 8000;
    for (int i = 0; i < 50; ++i) (response_db((low + high) / 2) > line ? low : high) = (low + high) / 2;
    const auto found = measure_electroacoustics(TestBox{lowpass, kRate, {}}, {});
    ASSERT_LT(low, 7999);
    EXPECT_NEAR(found.range.high_hz, low, 0.005 * low);
    EXPECT_EQ(found.range.low_hz, 200);
    EXPECT_EQ(found.highest_ospl90_hz, 200);
}

TEST(Electroacoustics, LeavesOutWhatTheRateCannotCarry) {
    const auto found = measure_electroacoustics(TestBox{amplifier(1), 8000, {}}, {});
    EXPECT_EQ(found.frequency_hz.back(), 3550);
    EXPECT_EQ(found.distortion.size(), 3U);
}

}  // namespace
}  // namespace sidetone::dsp
