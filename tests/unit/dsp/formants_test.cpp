// SPDX-License-Identifier: Apache-2.0
#include "dsp/formants.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/chunks.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/dsp/voices.hpp"

namespace sidetone::dsp {
namespace {

using test::Resonance;

std::vector<FormantFrame> track(const std::vector<float>& samples, const Formants::Design& design,
                                std::size_t chunk = 1000) {
    Formants formants(design);
    std::vector<FormantFrame> frames;
    const auto keep = [&](const FormantFrame& frame) { frames.push_back(frame); };
    test::in_chunks(samples, chunk, [&](auto some) { formants.push(some, keep); });
    formants.finish(keep);
    return frames;
}

/// The median of one formant over reliable frames; 0 where less than half of the frames have it.
double median_hz(const std::vector<FormantFrame>& frames, std::size_t formant) {
    std::vector<double> values;
    for (const auto& frame : frames) {
        if (frame.is_reliable && frame.count > formant)
            values.push_back(static_cast<double>(frame.formants[formant].frequency_hz));
    }
    if (2 * values.size() < frames.size()) return 0;
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

struct Speaker {
    std::string name;
    double ceiling_hz, f0_hz;
    std::vector<std::vector<Resonance>> vowels;
};

// Vowels /i/, /a/, /u/ and the neutral one of tracts of three lengths (after Peterson and Barney 1952).
std::vector<Speaker> speakers() {
    return {
        {"man",
         Formants::kMan,
         110,
         {{{270, 60}, {2290, 90}, {3010, 120}, {3600, 150}, {4500, 200}},
          {{730, 80}, {1090, 90}, {2440, 120}, {3400, 150}, {4500, 200}},
          {{300, 60}, {870, 80}, {2240, 120}, {3400, 150}, {4500, 200}},
          {{500, 60}, {1500, 90}, {2500, 120}, {3500, 150}, {4500, 200}}}},
        {"woman",
         Formants::kWoman,
         210,
         {{{310, 60}, {2790, 90}, {3310, 120}, {4100, 150}, {5000, 200}},
          {{850, 80}, {1220, 90}, {2810, 120}, {3900, 150}, {5000, 200}},
          {{370, 60}, {950, 80}, {2670, 120}, {3900, 150}, {5000, 200}},
          {{560, 60}, {1680, 90}, {2800, 120}, {3920, 150}, {5000, 200}}}},
        {"child",
         Formants::kChild,
         300,
         {{{370, 80}, {3200, 120}, {3900, 150}, {5200, 200}, {6800, 250}},
          {{1030, 100}, {1500, 120}, {3500, 150}, {5200, 200}, {6800, 250}},
          {{430, 80}, {1170, 100}, {3260, 150}, {5200, 200}, {6800, 250}},
          {{750, 80}, {2250, 120}, {3750, 150}, {5250, 200}, {6750, 250}}}},
    };
}

TEST(Formants, OfVowelsAreTheResonancesTheyWereMadeWith) {
    for (const auto& speaker : speakers()) {
        for (const auto& vowel : speaker.vowels) {
            const auto f0 = [&](double seconds) { return speaker.f0_hz * (1 + 0.1 * std::sin(9 * seconds)); };
            const auto frames = track(test::vowel(f0, vowel, 0.7), {.ceiling_hz = speaker.ceiling_hz});
            for (std::size_t n = 0; n < 4; ++n) {
                const double truth = vowel[n].frequency_hz;
                const double most_off = n == 0 ? speaker.f0_hz / 7 : 0.015 * truth;
                EXPECT_NEAR(median_hz(frames, n), truth, most_off) << speaker.name << " F" << n + 1;
            }
        }
    }
}

TEST(Formants, OfAWhisperAreFoundToo) {
    // What excites is noise: no harmonics, so no bias of theirs.
    auto vowel = speakers()[1].vowels[1];
    const auto noise = test::white_noise(32'000, 8);
    const auto impulse = test::vowel([](double) { return 5.0; }, vowel, 0.3);
    // One pulse comes at 0.2 s: its response, over which the noise goes.
    std::vector<float> whisper(noise.size());
    for (std::size_t n = 0; n < whisper.size(); ++n) {
        double sum = 0;
        for (std::size_t k = 0; k <= std::min<std::size_t>(n, 800); ++k)
            sum += static_cast<double>(noise[n - k]) * static_cast<double>(impulse[3199 + k]);
        whisper[n] = static_cast<float>(sum);
    }
    const auto frames = track(whisper, {});
    for (std::size_t n = 0; n < 4; ++n) EXPECT_NEAR(median_hz(frames, n), vowel[n].frequency_hz, 40) << n;
}

TEST(Formants, HaveTheBandwidthsOfTheResonances) {
    const auto vowel = speakers()[0].vowels[3];
    const auto frames = track(test::vowel([](double) { return 100.0; }, vowel, 0.6), {.ceiling_hz = Formants::kMan});
    for (std::size_t n = 0; n < 4; ++n) {
        const double found = static_cast<double>(frames[30].formants[n].bandwidth_hz);
        EXPECT_GT(found, 0.5 * vowel[n].bandwidth_hz) << n;
        EXPECT_LT(found, 2 * vowel[n].bandwidth_hz) << n;
    }
}

TEST(Formants, AreNotReliableInSilenceNorInNoise) {
    for (const auto& frame : track(std::vector<float>(8000), {})) EXPECT_FALSE(frame.is_reliable);
    const auto frames = track(test::white_noise(64'000, 3, 0.1F), {});
    EXPECT_EQ(std::count_if(frames.begin(), frames.end(), [](const auto& f) { return f.is_reliable; }), 0);
    auto faint = test::vowel([](double) { return 150.0; }, speakers()[0].vowels[3], 0.3);
    for (auto& x : faint) x *= 1e-4F;
    for (const auto& frame : track(faint, {})) EXPECT_FALSE(frame.is_reliable);
}

TEST(Formants, AreTheSameBitByBitForChunksOfOneTo4000Samples) {
    auto samples = test::vowel([](double) { return 170.0; }, speakers()[1].vowels[0], 1.5);
    const auto noise = test::white_noise(samples.size(), 5, 0.001F);
    for (std::size_t n = 0; n < samples.size(); ++n) samples[n] += noise[n];
    const auto same = [](const FormantFrame& a, const FormantFrame& b) {
        return a.count == b.count && a.is_reliable == b.is_reliable &&
               std::equal(a.formants.begin(), a.formants.end(), b.formants.begin(),
                          [](const Formant& x, const Formant& y) {
                              return x.frequency_hz == y.frequency_hz && x.bandwidth_hz == y.bandwidth_hz;
                          });
    };
    for (const double ceiling_hz : {Formants::kChild, Formants::kWoman, Formants::kMan}) {
        const auto expected = track(samples, {.ceiling_hz = ceiling_hz}, 1);
        ASSERT_EQ(expected.size(), 151U);
        for (const std::size_t chunk : test::kChunks) {
            const auto frames = track(samples, {.ceiling_hz = ceiling_hz}, chunk);
            ASSERT_TRUE(std::equal(frames.begin(), frames.end(), expected.begin(), expected.end(), same)) << chunk;
        }
    }
}

TEST(Formants, ComeAfterTheDelayTheyState) {
    for (const double ceiling_hz : {Formants::kChild, Formants::kWoman, 4050.0, Formants::kMan}) {
        Formants formants({.ceiling_hz = ceiling_hz});
        const std::vector<float> samples(formants.delay_samples() + 1);
        for (int turn = 0; turn < 2; ++turn) {
            std::size_t frames = 0;
            const auto count = [&](const FormantFrame&) { ++frames; };
            formants.push(std::span(samples).first(formants.delay_samples()), count);
            EXPECT_EQ(frames, 0U) << ceiling_hz;
            formants.push(std::span(samples).last(1), count);
            EXPECT_EQ(frames, 1U) << ceiling_hz;
            formants.finish(count);
            EXPECT_EQ(frames, 1 + (formants.delay_samples() + 1) / 160);
            formants.reset();
        }
    }
}

TEST(Formants, SamplesThatAreNoNumbersPassBy) {
    auto samples = test::vowel([](double) { return 170.0; }, speakers()[1].vowels[3], 1);
    const auto clean = track(samples, {});
    samples[8000] = std::numeric_limits<float>::quiet_NaN();
    const auto damaged = track(samples, {});
    EXPECT_FALSE(damaged[50].is_reliable);
    for (std::size_t t = 60; t < 95; ++t)
        EXPECT_EQ(damaged[t].formants[0].frequency_hz, clean[t].formants[0].frequency_hz);
}

TEST(Formants, MakeNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    const auto samples = test::vowel([](double) { return 170.0; }, speakers()[1].vowels[0], 0.5);
    Formants formants({});
    std::size_t frames = 0;
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        formants.push(samples, [&](const FormantFrame&) { ++frames; });
        formants.finish([&](const FormantFrame&) { ++frames; });
    }
    EXPECT_EQ(frames, 51U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(Formants, RefuseDesignsThatCannotBe) {
    EXPECT_THROW(Formants({.ceiling_hz = 8050}), std::invalid_argument);
    EXPECT_THROW(Formants({.ceiling_hz = 5510}), std::invalid_argument);
    EXPECT_THROW(Formants({.rate_hz = 8000}), std::invalid_argument);
    EXPECT_THROW(Formants({.order = 4}), std::invalid_argument);
    EXPECT_THROW(Formants({.window_seconds = 1}), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
