// SPDX-License-Identifier: Apache-2.0
#include "speech/border_refinement.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace sidetone::speech {
namespace {

constexpr double kRate = 16'000;

/// A tone in a little noise, from one time to another.
struct Tone {
    double from_s = 0, to_s = 0, hz = 0;
};

std::vector<float> sound_of(const std::vector<Tone>& tones, double seconds) {
    std::mt19937 random{7};
    std::normal_distribution<float> noise{0, 0.001F};
    std::vector<float> samples(static_cast<std::size_t>(seconds * kRate));
    for (auto& sample : samples) sample = noise(random);
    for (const auto& tone : tones) {
        const auto end = static_cast<std::size_t>(tone.to_s * kRate);
        for (auto i = static_cast<std::size_t>(tone.from_s * kRate); i < end; ++i) {
            samples[i] +=
                static_cast<float>(0.2 * std::sin(2 * std::numbers::pi * tone.hz * static_cast<double>(i) / kRate));
        }
    }
    return samples;
}

SpectralTrack track_of(const std::vector<float>& samples) {
    SpectralTrack track;
    track.push(samples);
    return track;
}

/// One word of phones that follow one another.
Reading reading_of(const std::vector<double>& borders_s) {
    Reading reading{.words = {{.text = "word", .phones = {}}}};
    auto& word = reading.words.front();
    for (std::size_t n = 0; n + 1 < borders_s.size(); ++n)
        word.phones.push_back({.phone = static_cast<Phone>(n + 1), .start_s = borders_s[n], .end_s = borders_s[n + 1]});
    word.start_s = borders_s.front();
    word.end_s = borders_s.back();
    return reading;
}

TEST(BorderRefinement, MovesBordersToWhereTheSoundChanges) {
    const auto track = track_of(sound_of({{0.2, 0.503, 300}, {0.503, 0.801, 2500}}, 1.2));
    for (const double off_s : {-0.024, -0.01, 0.0, 0.013, 0.027}) {
        auto reading = reading_of({0.2 + off_s, 0.503 + off_s, 0.801 + off_s});
        refine_borders(reading, track);
        const auto& word = reading.words.front();
        const double near_s = std::abs(off_s) < 0.02 ? 0.013 : 0.018;  // windows are 25 ms, and to go far has its price
        EXPECT_NEAR(word.phones[0].start_s, 0.2, near_s) << off_s;
        EXPECT_NEAR(word.phones[1].start_s, 0.503, near_s) << off_s;
        EXPECT_EQ(word.phones[0].end_s, word.phones[1].start_s) << "they still share it";
        EXPECT_NEAR(word.phones[1].end_s, 0.801, near_s) << off_s;
        EXPECT_EQ(word.start_s, word.phones[0].start_s);
        EXPECT_EQ(word.end_s, word.phones[1].end_s);
    }
}

TEST(BorderRefinement, IsNotLuredByAChangeThatIsFarAwayOrAnotherPhones) {
    const auto track = track_of(sound_of({{0.1, 0.4, 300}, {0.4, 0.9, 2500}}, 1));
    auto far = reading_of({0.1, 0.5, 0.9});
    refine_borders(far, track);
    EXPECT_NEAR(far.words.front().phones[1].start_s, 0.5, 0.041);
    auto close = reading_of({0.1, 0.38, 0.41, 0.9});
    refine_borders(close, track);
    const auto& phones = close.words.front().phones;
    EXPECT_GE(phones[1].end_s - phones[1].start_s, 0.01 - 1e-9) << "one change is not the border of two";
}

TEST(BorderRefinement, LeavesBordersWhereNothingChanges) {
    std::vector<float> steady(16'000);
    for (std::size_t i = 0; i < steady.size(); ++i) steady[i] = i % 160 == 0 ? 0.5F : 0.0F;
    auto reading = reading_of({0.2, 0.4, 0.7});
    refine_borders(reading, track_of(steady));
    EXPECT_EQ(reading.words.front().phones[1].start_s, 0.4);
    refine_borders(reading, SpectralTrack{});
    EXPECT_EQ(reading.words.front().phones[1].start_s, 0.4);
    Reading nothing;
    refine_borders(nothing, track_of(steady));
    EXPECT_TRUE(nothing.words.empty());
}

TEST(BorderRefinement, KeepsTheOrderOfPhonesAndPauses) {
    std::mt19937 random{11};
    std::uniform_real_distribution<double> length{0.004, 0.15};
    std::uniform_real_distribution<float> sample{-0.5F, 0.5F};
    for (int round = 0; round < 200; ++round) {
        std::vector<float> samples(16'000);
        for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = (i / 700) % 2 == 0 ? sample(random) : 0.0F;
        Reading reading;
        for (double at_s = length(random); at_s < 1.1; at_s += length(random)) {  // past the end, too
            auto word = ReadWord{.text = "word", .phones = {}};
            const auto count = 1 + random() % 4;
            for (std::size_t n = 0; n < count; ++n) {
                const double end_s = at_s + length(random);
                word.phones.push_back({.phone = 1, .start_s = at_s, .end_s = end_s});
                at_s = end_s;
            }
            reading.words.push_back(word);
            reading.words.push_back({.text = "left out", .phones = {}});
        }
        const auto before = reading;
        refine_borders(reading, track_of(samples));
        double last_s = 0;
        for (std::size_t w = 0; w < reading.words.size(); ++w) {
            for (std::size_t n = 0; n < reading.words[w].phones.size(); ++n) {
                const auto& phone = reading.words[w].phones[n];
                const auto& old = before.words[w].phones[n];
                ASSERT_GE(phone.start_s, last_s - 1e-12);
                ASSERT_GT(phone.end_s, phone.start_s);
                ASSERT_NEAR(phone.start_s, old.start_s, 0.041);
                ASSERT_NEAR(phone.end_s, old.end_s, 0.041);
                last_s = phone.end_s;
            }
        }
    }
}

TEST(SpectralTrack, IsTheSameForAnyChunks) {
    const auto samples = sound_of({{0.1, 0.4, 700}}, 0.6);
    const auto whole = track_of(samples);
    ASSERT_EQ(whole.frames().size(), (samples.size() - 400) / 160 + 1);
    for (const std::size_t chunk : {1U, 7U, 160U, 4000U}) {
        SpectralTrack track;
        for (std::size_t at = 0; at < samples.size(); at += chunk)
            track.push(std::span{samples}.subspan(at, std::min(chunk, samples.size() - at)));
        ASSERT_TRUE(std::ranges::equal(track.frames(), whole.frames())) << chunk;
    }
}

}  // namespace
}  // namespace sidetone::speech
