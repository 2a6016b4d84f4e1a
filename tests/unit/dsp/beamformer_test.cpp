// SPDX-License-Identifier: Apache-2.0
#include "dsp/beamformer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <stdexcept>
#include <vector>

#include "rt/guard.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kPi = std::numbers::pi;

struct Microphones {
    std::vector<float> front, back;
};

struct Tone {
    double frequency_hz, amplitude, phase;
};

// Plane waves from `degrees` off the front: at the back microphone later by spacing · cos / speed of sound. A sum of
// tones, so that each delay is exact.
void add_source(Microphones& heard, const std::vector<Tone>& tones, double degrees, double rate_hz, double spacing_m) {
    const double late = spacing_m * std::cos(degrees * kPi / 180) / kSpeedOfSoundMPerS;
    for (std::size_t n = 0; n < heard.front.size(); ++n) {
        const double t = static_cast<double>(n) / rate_hz;
        for (const auto& tone : tones) {
            const double w = 2 * kPi * tone.frequency_hz;
            heard.front[n] += static_cast<float>(tone.amplitude * std::sin(w * t + tone.phase));
            heard.back[n] += static_cast<float>(tone.amplitude * std::sin(w * (t - late) + tone.phase));
        }
    }
}

Microphones silence(std::size_t frames) {
    return {.front = std::vector<float>(frames), .back = std::vector<float>(frames)};
}

// Tones like a voice's, from 200 Hz to 6 kHz, softer towards the top.
std::vector<Tone> sound(std::uint32_t seed) {
    std::mt19937 random{seed};
    std::uniform_real_distribution<double> phase{0, 2 * kPi}, offset{0, 100};
    std::vector<Tone> tones;
    for (double frequency = 200; frequency < 6000; frequency += 190)
        tones.push_back({frequency + offset(random), 0.02 * std::sqrt(200 / frequency), phase(random)});
    return tones;
}

std::vector<float> run(Beamformer& beamformer, const Microphones& heard, std::size_t block = 64) {
    std::vector<float> out(heard.front.size());
    for (std::size_t at = 0; at < out.size(); at += block) {
        beamformer.process(&heard.front[at], &heard.back[at], &out[at], std::min(block, out.size() - at));
    }
    return out;
}

double level_db(const std::vector<float>& signal, std::size_t from) {
    double sum = 0;
    for (std::size_t n = from; n < signal.size(); ++n) sum += static_cast<double>(signal[n]) * signal[n];
    return 10 * std::log10(sum / static_cast<double>(signal.size() - from) + 1e-30);
}

// The magnitude for a plane wave: the cardioids 2 |sin(ω (T ± τ) / 2)| with T the way between the microphones and
// τ = T cos θ, in phase with each other, and the leaky sum behind them.
double pattern(const BeamformerSettings& s, double beta, double frequency_hz, double degrees) {
    const double w = 2 * kPi * frequency_hz / s.rate_hz;
    const double way = s.spacing_m / kSpeedOfSoundMPerS * s.rate_hz, late = way * std::cos(degrees * kPi / 180);
    const double difference = 2 * std::sin(w * (way + late) / 2) - 2 * beta * std::sin(w * (way - late) / 2);
    const double leak = std::exp(-2 * kPi * s.equalise_from_hz / s.rate_hz);
    return std::abs(difference) / (2 * way) / std::sqrt(1 - 2 * leak * std::cos(w) + leak * leak);
}

TEST(Beamformer, PatternIsItsClosedFormFromEveryDirection) {
    for (const double rate : {16'000.0, 48'000.0, 96'000.0}) {
        for (const double null : {90.0, 110.0, 180.0}) {
            const BeamformerSettings settings{.rate_hz = rate, .spacing_m = 0.012, .null_degrees = null};
            const double cosine = std::cos(null * kPi / 180), beta = (1 + cosine) / (1 - cosine);
            for (const double frequency : {300.0, 1000.0, 3000.0}) {
                for (double degrees = 0; degrees < 360; degrees += 15) {
                    auto heard = silence(static_cast<std::size_t>(rate / 5));
                    add_source(heard, {{frequency, std::numbers::sqrt2, 0.3}}, degrees, rate, settings.spacing_m);
                    Beamformer beamformer{settings};
                    // A whole number of periods, long after the start.
                    const auto out = run(beamformer, heard);
                    const double found = std::pow(10.0, level_db(out, out.size() / 2) / 20);
                    EXPECT_NEAR(found, pattern(settings, beta, frequency, degrees), rate < 20'000 ? 0.01 : 0.002)
                        << rate << " Hz, null " << null << ", " << frequency << " Hz from " << degrees;
                }
            }
        }
    }
}

TEST(Beamformer, LetsTheFrontThroughAndNotTheBack) {
    const BeamformerSettings settings;
    auto front = silence(48'000), back = silence(48'000);
    add_source(front, sound(1), 0, settings.rate_hz, settings.spacing_m);
    add_source(back, sound(1), 180, settings.rate_hz, settings.spacing_m);
    Beamformer first{settings}, second{settings};
    EXPECT_NEAR(level_db(run(first, front), 4800), level_db(front.front, 4800), 2);
    EXPECT_LT(level_db(run(second, back), 4800), level_db(back.front, 4800) - 40);
}

// Wherever a disturber stands behind, next to nothing of it is left; and the one in front stays.
TEST(Beamformer, AdaptiveNullIsSteeredToWhateverStandsBehind) {
    for (double degrees = 90; degrees <= 270; degrees += 15) {
        const BeamformerSettings settings{.is_adaptive = true};
        auto heard = silence(96'000);
        add_source(heard, sound(2), degrees, settings.rate_hz, settings.spacing_m);
        Beamformer beamformer{settings};
        const auto out = run(beamformer, heard);
        EXPECT_LT(level_db(out, 72'000), level_db(heard.front, 72'000) - 20) << "from " << degrees;
        const double cosine = std::cos(degrees * kPi / 180);
        EXPECT_NEAR(beamformer.beta(), (1 + cosine) / (1 - cosine), 0.06) << "from " << degrees;
    }
}

TEST(Beamformer, AdaptiveNullKeepsTheFrontBesideADisturber) {
    const BeamformerSettings settings{.is_adaptive = true};
    auto both = silence(96'000), front_alone = silence(96'000);
    add_source(both, sound(2), 130, settings.rate_hz, settings.spacing_m);
    add_source(both, sound(3), 0, settings.rate_hz, settings.spacing_m);
    add_source(front_alone, sound(3), 0, settings.rate_hz, settings.spacing_m);
    Beamformer adaptive{settings}, fixed{{.null_degrees = 130}};
    const auto out = run(adaptive, both), wanted = run(fixed, front_alone);
    std::vector<float> rest(out);
    for (std::size_t n = 0; n < rest.size(); ++n) rest[n] -= wanted[n];
    EXPECT_GT(level_db(wanted, 48'000) - level_db(rest, 48'000), 12);
}

TEST(Beamformer, BetaStaysWhereTheNullIsBehind) {
    for (const double degrees : {0.0, 30.0, 60.0, 80.0}) {
        const BeamformerSettings settings{.is_adaptive = true};
        auto heard = silence(24'000);
        add_source(heard, sound(4), degrees, settings.rate_hz, settings.spacing_m);
        Beamformer beamformer{settings};
        const auto out = run(beamformer, heard);
        EXPECT_GE(beamformer.beta(), 0);
        EXPECT_LE(beamformer.beta(), 1);
        EXPECT_GT(level_db(out, 12'000), level_db(heard.front, 12'000) - 17) << "the front is not taken away";
    }
}

TEST(Beamformer, BlockSizeChangesNothingAndOutputMayBeAnInput) {
    const BeamformerSettings settings{.is_adaptive = true};
    auto heard = silence(4800);
    add_source(heard, sound(5), 120, settings.rate_hz, settings.spacing_m);
    Beamformer first{settings}, second{settings}, third{settings};
    const auto expected = run(first, heard, 64);
    EXPECT_EQ(run(second, heard, 7), expected);
    third.process(heard.front.data(), heard.back.data(), heard.back.data(), heard.back.size());
    EXPECT_EQ(heard.back, expected);
}

TEST(Beamformer, StaysFiniteWhateverComesAndRecovers) {
    const BeamformerSettings settings{.is_adaptive = true};
    auto heard = silence(96'000);
    add_source(heard, sound(6), 180, settings.rate_hz, settings.spacing_m);
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
    std::size_t at = 4800;
    for (const float value : {kNan, kInfinity, -kInfinity, 1e30F, -1e30F, 3.4e38F}) {
        std::fill_n(heard.front.begin() + static_cast<std::ptrdiff_t>(at), 100, value);
        std::fill_n(heard.back.begin() + static_cast<std::ptrdiff_t>(at + 50), 100, -value);
        at += 1000;
    }
    Beamformer beamformer{settings};
    const auto out = run(beamformer, heard);
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](float y) { return std::isfinite(y); }));
    EXPECT_LT(level_db(out, 72'000), level_db(heard.front, 72'000) - 20);
}

TEST(Beamformer, RefusesASpacingThatDoesNotSuitTheRate) {
    EXPECT_THROW(Beamformer({.rate_hz = 192'000, .spacing_m = 0.1}), std::invalid_argument);
    EXPECT_THROW(Beamformer({.rate_hz = 8000, .spacing_m = 0.001}), std::invalid_argument);
}

TEST(Beamformer, MakesNoHeapCall) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "heap calls are not counted in this build";
    Beamformer beamformer{{.is_adaptive = true}};
    const auto heard = silence(480);
    std::vector<float> out(480);
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        beamformer.process(heard.front.data(), heard.back.data(), out.data(), out.size());
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
