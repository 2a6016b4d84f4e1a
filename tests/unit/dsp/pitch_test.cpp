// SPDX-License-Identifier: Apache-2.0
#include "dsp/pitch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/chunks.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/dsp/voices.hpp"

namespace sidetone::dsp {
namespace {

using test::HarmonicSound;

std::vector<PitchFrame> track(const std::vector<float>& samples, const Pitch::Design& design = {},
                              std::size_t chunk = 1000) {
    Pitch pitch(design);
    std::vector<PitchFrame> frames;
    const auto keep = [&](const PitchFrame& frame) { frames.push_back(frame); };
    test::in_chunks(samples, chunk, [&](auto some) { pitch.push(some, keep); });
    pitch.finish(keep);
    return frames;
}

double like_a_voice(int harmonic, double) {
    return 0.3 / harmonic;
}

HarmonicSound steady(double f0_hz) {
    return {.f0_hz = [=](double) { return f0_hz; }, .amplitude = like_a_voice};
}

/// Of the frames that are not at the ends, the share that is off by more than `tolerance` of the truth, or unvoiced.
double share_off(const std::vector<PitchFrame>& frames, const HarmonicSound& sound, double tolerance) {
    std::size_t off = 0;
    for (std::size_t t = 5; t + 5 < frames.size(); ++t) {
        const double truth = sound.f0_hz(0.01 * static_cast<double>(t));
        if (!(std::fabs(static_cast<double>(frames[t].f0_hz) / truth - 1) <= tolerance)) ++off;
    }
    return static_cast<double>(off) / static_cast<double>(frames.size() - 10);
}

double voiced_share(const std::vector<PitchFrame>& frames) {
    const auto voiced = std::count_if(frames.begin(), frames.end(), [](const auto& f) { return f.is_voiced(); });
    return static_cast<double>(voiced) / static_cast<double>(frames.size());
}

TEST(Pitch, OfAHarmonicSoundIsExactToTwoPerThousand) {
    for (const std::uint32_t rate_hz : {8000U, 16'000U, 44'100U, 48'000U}) {
        for (const double f0 : {52.0, 75.0, 110.0, 151.7, 220.0, 311.0, 400.0, 523.0, 590.0}) {
            auto sound = steady(f0);
            sound.rate_hz = rate_hz;
            sound.highest_hz = 0.45 * rate_hz;
            EXPECT_EQ(share_off(track(make(sound, 0.4), {.rate_hz = rate_hz}), sound, 0.002), 0) << f0 << rate_hz;
        }
    }
}

TEST(Pitch, FollowsGlides) {
    for (const double octaves_a_second : {-2.0, -1.0, 1.0, 2.0}) {
        HarmonicSound sound{.f0_hz = [=](double s) { return 180 * std::exp2(octaves_a_second * (s - 0.5)); },
                            .amplitude = like_a_voice};
        EXPECT_EQ(share_off(track(make(sound, 1)), sound, 0.01), 0) << octaves_a_second;
    }
    HarmonicSound vibrato{.f0_hz = [](double s) { return 300 * (1 + 0.03 * std::sin(2 * 3.14159 * 5.5 * s)); },
                          .amplitude = like_a_voice};
    EXPECT_EQ(share_off(track(make(vibrato, 1)), vibrato, 0.01), 0);
}

TEST(Pitch, DoesNotNeedTheFundamental) {
    for (const double f0 : {90.0, 150.0, 250.0}) {
        auto sound = steady(f0);
        sound.amplitude = [](int k, double) { return k >= 3 && k <= 8 ? 0.1 : 0.0; };
        EXPECT_EQ(share_off(track(make(sound, 0.5)), sound, 0.002), 0) << f0;
    }
}

TEST(Pitch, IsNoOctaveOff) {
    // A harmonic stands 20 dB above the rest, as where a formant meets it. Beside silence it may win a frame or two.
    for (const int strong : {2, 3, 4}) {
        for (const double f0 : {95.0, 130.0, 210.0, 280.0, 400.0}) {
            auto sound = steady(f0);
            sound.amplitude = [=](int k, double) { return (k == strong ? 0.3 : 0.03) / std::max(1, k - strong); };
            EXPECT_LT(share_off(track(make(sound, 0.5)), sound, 0.005), 0.1) << strong << ' ' << f0;
        }
    }
    // Every second period is louder by a tenth and longer by one in a hundred: rough, but no octave lower.
    for (const double f0 : {120.0, 200.0}) {
        auto sound = steady(f0);
        const auto samples = make(sound, 0.5);
        auto rough = samples;
        for (std::size_t n = 0; n < rough.size(); ++n) {
            const double at = static_cast<double>(n) +
                              0.01 / f0 * 16'000 / 4 * std::sin(3.14159 * f0 / 16'000 * static_cast<double>(n));
            const auto whole = std::min(static_cast<std::size_t>(std::max(0.0, at)), samples.size() - 2);
            const auto part = static_cast<float>(at - static_cast<double>(whole));
            const bool odd = static_cast<int>(static_cast<double>(n) * f0 / 16'000) % 2 != 0;
            rough[n] = (odd ? 1.1F : 1.0F) * (samples[whole] + part * (samples[whole + 1] - samples[whole]));
        }
        EXPECT_EQ(share_off(track(rough), sound, 0.02), 0) << f0;
    }
}

TEST(Pitch, OfAChildIsFound) {
    // A child's /i/ and /a/: formants as hills over the harmonics.
    for (const double f0 : {320.0, 400.0, 480.0}) {
        for (const auto& formants : {std::vector<double>{400, 3200, 3900}, std::vector<double>{1000, 1600, 3600}}) {
            auto sound = steady(f0);
            sound.amplitude = [=](int k, double frequency) {
                double sum = 0.02;
                for (const double formant : formants) sum += 1 / (1 + std::pow((frequency - formant) / 80, 2));
                return 0.2 * sum / k;
            };
            EXPECT_EQ(share_off(track(make(sound, 0.5)), sound, 0.005), 0) << f0;
        }
    }
}

TEST(Pitch, OfSilenceAndOfNoiseIsNone) {
    EXPECT_EQ(voiced_share(track(std::vector<float>(16'000))), 0);
    EXPECT_EQ(voiced_share(track(make(HarmonicSound{.f0_hz = [](double) { return 200; },
                                                    .amplitude = [](int k, double) { return 1e-4 / k; }},
                                      1))),
              0);
    for (const std::uint32_t seed : {1U, 2U, 3U}) {
        const auto frames = track(test::white_noise(64'000, seed, 0.1F));
        EXPECT_LT(voiced_share(frames), 0.03);
        float voicing = 0;
        for (const auto& frame : frames) voicing += frame.voicing / static_cast<float>(frames.size());
        EXPECT_LT(voicing, 0.25F);
    }
}

TEST(Pitch, IsFoundInNoiseAndNotBeside) {
    // A voice from 0.5 to 1.5 s in white noise 10 dB below it.
    const auto sound = steady(170);
    auto samples = test::white_noise(32'000, 4, 0.06F);
    const auto voice = make(sound, 1);
    for (std::size_t n = 0; n < voice.size(); ++n) samples[8000 + n] += voice[n];
    const auto frames = track(samples);
    for (std::size_t t = 0; t < frames.size(); ++t) {
        if (t >= 53 && t < 147) {
            EXPECT_NEAR(frames[t].f0_hz, 170, 2) << t;
        } else if (t < 47 || t > 153) {
            EXPECT_FALSE(frames[t].is_voiced()) << t;
        }
    }
}

TEST(Pitch, IsTheSameBitByBitForChunksOfOneTo4000Samples) {
    auto samples = make(HarmonicSound{.f0_hz = [](double s) { return 150 + 200 * s; }, .amplitude = like_a_voice}, 1);
    const auto noise = test::white_noise(samples.size(), 6, 0.05F);
    for (std::size_t n = 0; n < samples.size(); ++n)
        samples[n] = samples[n] * (n % 6000 < 3000 ? 1.0F : 0.0F) + noise[n];
    const auto same = [](const PitchFrame& a, const PitchFrame& b) {
        return a.f0_hz == b.f0_hz && a.voicing == b.voicing;
    };
    const auto expected = track(samples, {}, 1);
    ASSERT_EQ(expected.size(), 101U);
    for (const std::size_t chunk : test::kChunks) {
        const auto frames = track(samples, {}, chunk);
        ASSERT_TRUE(std::equal(frames.begin(), frames.end(), expected.begin(), expected.end(), same)) << chunk;
    }
}

TEST(Pitch, ComesAfterTheDelayItStates) {
    for (const std::size_t lag : {0U, 4U, 9U}) {
        Pitch pitch({.path = {.lag = lag}});
        const auto samples = test::white_noise(pitch.delay_samples() + 161, 1, 0.1F);
        std::size_t frames = 0;
        const auto count = [&](const PitchFrame&) { ++frames; };
        for (int turn = 0; turn < 2; ++turn) {
            pitch.push(std::span(samples).first(pitch.delay_samples()), count);
            EXPECT_EQ(frames, 0U);
            pitch.push(std::span(samples).last(1), count);
            EXPECT_EQ(frames, 1U);
            pitch.push(std::span(samples).first(159), count);
            EXPECT_EQ(frames, 1U);
            pitch.push(std::span(samples).first(1), count);
            EXPECT_EQ(frames, 2U);
            pitch.finish(count);
            EXPECT_EQ(frames, 1 + (pitch.delay_samples() + 161) / 160);
            pitch.reset();
            frames = 0;
        }
    }
}

TEST(Pitch, SamplesThatAreNoNumbersAreUnvoicedAndPassBy) {
    const auto sound = steady(200);
    auto samples = make(sound, 1);
    samples[8000] = std::numeric_limits<float>::quiet_NaN();
    samples[8001] = std::numeric_limits<float>::infinity();
    samples[2000] = 1e25F;  // whose square is more than a float can be
    const auto frames = track(samples);
    EXPECT_FALSE(frames[50].is_voiced());
    for (std::size_t t = 60; t < 95; ++t) EXPECT_NEAR(frames[t].f0_hz, 200, 0.4);
}

TEST(Pitch, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    const auto samples = make(steady(200), 0.5);
    Pitch pitch({});
    std::size_t frames = 0;
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        pitch.push(samples, [&](const PitchFrame&) { ++frames; });
        pitch.finish([&](const PitchFrame&) { ++frames; });
    }
    EXPECT_EQ(frames, 51U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(Pitch, RefusesDesignsThatCannotBe) {
    EXPECT_THROW(Pitch({.rate_hz = 7999}), std::invalid_argument);
    EXPECT_THROW(Pitch({.rate_hz = 96'000}), std::invalid_argument);
    EXPECT_THROW(Pitch({.low_hz = 600, .high_hz = 50}), std::invalid_argument);
    EXPECT_THROW(Pitch({.hop_seconds = 0.1}), std::invalid_argument);
    EXPECT_THROW(Pitch({.sharpness = 0}), std::invalid_argument);
    EXPECT_THROW(Pitch({.path = {.lag = 2000}}), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
