// SPDX-License-Identifier: Apache-2.0
#include "dsp/log_mel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

using Frames = std::vector<std::vector<float>>;

/// Something like a voice: a buzz whose pitch glides, louder and softer, with noise and an offset.
std::vector<float> voice(std::size_t count, double rate_hz = 16'000) {
    auto samples = test::white_noise(count, 11, 0.003F);
    double phase = 0;
    for (std::size_t n = 0; n < count; ++n) {
        const double seconds = static_cast<double>(n) / rate_hz;
        phase += (150 + 60 * std::sin(2 * seconds)) / rate_hz;
        const double loudness = 0.02 + 0.3 * std::pow(std::sin(4 * seconds), 2);
        samples[n] += static_cast<float>(0.05 + loudness * (2 * (phase - std::floor(phase)) - 1));
    }
    return samples;
}

Frames frames_of(const LogMel::Design& design, const std::vector<float>& samples, std::size_t largest_chunk,
                 std::uint32_t seed) {
    LogMel features(design);
    std::mt19937 random(seed);
    std::uniform_int_distribution<std::size_t> chunk(1, largest_chunk);
    Frames frames;
    const auto keep = [&](std::size_t made) {
        EXPECT_LE(made, features.kept_frames());
        for (std::size_t n = made; n > 0; --n) {
            const auto row = features.frame(features.frames() - n);
            frames.emplace_back(row.begin(), row.end());
        }
    };
    for (std::size_t n = 0; n < samples.size();) {
        const std::size_t count = std::min(chunk(random), samples.size() - n);
        keep(features.push(std::span(samples).subspan(n, count)));
        n += count;
    }
    keep(features.finish());
    return frames;
}

/// A frame by the definitions, in double precision; `at(n)` is the recording's sample n, which may be outside of it.
template <class At>
std::vector<double> reference(const LogMel::Design& design, std::int64_t first, At at) {
    const std::size_t length = design.length;
    std::vector<double> x(length);
    double mean = 0;
    for (std::size_t n = 0; n < length; ++n) {
        x[n] = design.scale * at(first + static_cast<std::int64_t>(n));
        mean += x[n] / static_cast<double>(length);
    }
    if (design.without_mean) {
        for (auto& sample : x) sample -= mean;
    }
    for (std::size_t n = length; n-- > 0;) x[n] -= design.pre_emphasis * x[n == 0 ? 0 : n - 1];
    const double period = static_cast<double>(length) - (design.shape == FrameShape::periodic_hann ? 0 : 1);
    for (std::size_t n = 0; n < length; ++n) {
        const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / period);
        x[n] *= design.shape == FrameShape::povey ? std::pow(hann, 0.85) : hann;
    }
    const std::size_t size = design.mel.transform;
    std::vector<std::complex<double>> turns(size);
    for (std::size_t n = 0; n < size; ++n) {
        turns[n] = std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(size));
    }
    std::vector<double> energies(design.mel.bands);
    for (std::size_t bin = 0; bin <= size / 2; ++bin) {
        std::complex<double> sum = 0;
        for (std::size_t n = 0; n < length; ++n) sum += x[n] * turns[bin * n % size];
        for (std::size_t band = 0; band < energies.size(); ++band) {
            energies[band] += MelBank::weight(design.mel, band, bin) * std::norm(sum);
        }
    }
    for (auto& energy : energies) energy = std::log(std::max(energy, static_cast<double>(design.floor)));
    return energies;
}

struct Case {
    std::string name;
    LogMel::Design design;
};

std::vector<Case> cases() {
    auto hann = LogMel::kaldi();
    hann.shape = FrameShape::hann;
    return {{"kaldi", LogMel::kaldi()},
            {"kaldi with both edges", LogMel::kaldi(16'000, 80, false)},
            {"kaldi with hann and 40 bands", hann},
            {"kaldi at 8 kHz", LogMel::kaldi(8000, 23, false)},
            {"kaldi at 44.1 kHz", LogMel::kaldi(44'100, 64)},
            {"kaldi at 96 kHz", LogMel::kaldi(96'000, 80)},
            {"librosa", LogMel::librosa()},
            {"librosa at 22.05 kHz", LogMel::librosa(22'050, 128)}};
}

TEST(LogMel, IsWhatTheDefinitionsGiveInDoublePrecision) {
    for (const auto& tried : cases()) {
        const auto& name = tried.name;
        const auto& design = tried.design;
        const auto rate = static_cast<double>(design.mel.rate_hz);
        const auto samples = voice(static_cast<std::size_t>(0.3 * rate), rate);
        const auto count = static_cast<std::int64_t>(samples.size());
        const auto at = [&](std::int64_t n) {
            if (design.edges == WindowEdges::mirrored) n = n < 0 ? -1 - n : n >= count ? 2 * count - 1 - n : n;
            return n < 0 || n >= count ? 0.0 : static_cast<double>(samples[static_cast<std::size_t>(n)]);
        };
        const auto frames = frames_of(design, samples, 500, 1);
        const LogMel features(design);
        ASSERT_GE(frames.size(), 27U) << name;
        double worst = 0;
        for (std::size_t t = 0; t < frames.size(); ++t) {
            const auto expected = reference(design, features.first_sample(t), at);
            for (std::size_t band = 0; band < expected.size(); ++band) {
                worst = std::max(worst, std::fabs(frames[t][band] - expected[band]));
            }
        }
        EXPECT_LT(worst, 1e-4) << name;
    }
}

TEST(LogMel, IsTheSameBitByBitForChunksOfOneTo4000Samples) {
    const auto samples = voice(40'000);
    for (const auto& design : {LogMel::kaldi(), LogMel::kaldi(16'000, 80, false), LogMel::librosa()}) {
        const auto expected = frames_of(design, samples, 1, 1);
        ASSERT_GE(expected.size(), 248U);
        std::uint32_t seed = 2;
        for (const std::size_t largest : {2U, 3U, 7U, 160U, 161U, 480U, 1023U, 4000U}) {
            ASSERT_EQ(frames_of(design, samples, largest, seed++), expected) << largest;
        }
    }
}

TEST(LogMel, MakesAFrameWithTheLastSampleOfItsWindow) {
    LogMel features(LogMel::kaldi());
    const auto samples = voice(400 + 10 * 160);
    EXPECT_EQ(features.push(std::span(samples).first(399)), 0U);
    EXPECT_EQ(features.push(std::span(samples).subspan(399, 1)), 1U);
    for (std::size_t t = 1; t <= 10; ++t) {
        EXPECT_EQ(features.push(std::span(samples).subspan(400 + (t - 1) * 160, 159)), 0U);
        EXPECT_EQ(features.push(std::span(samples).subspan(400 + t * 160 - 1, 1)), 1U);
        EXPECT_EQ(features.first_sample(t), static_cast<std::int64_t>(160 * t));
    }
}

TEST(LogMel, KeepsTheLatestFramesInOnePiece) {
    auto design = LogMel::kaldi(16'000, 40);
    design.kept_frames = 50;
    LogMel features(design);
    const auto samples = voice(160);
    std::vector<float> all;
    for (int n = 0; n < 2000; ++n) {
        for (std::size_t made = features.push(samples); made > 0; --made) {
            const auto row = features.last(1);
            all.insert(all.end(), row.begin(), row.end());
        }
        const auto count = std::min<std::size_t>(50, static_cast<std::size_t>(features.frames()));
        const auto view = features.last(count);
        ASSERT_TRUE(std::equal(view.begin(), view.end(), all.end() - static_cast<std::ptrdiff_t>(view.size())));
    }
    EXPECT_GE(features.kept_frames(), 50U);
}

TEST(LogMel, SilenceIsTheFloorAndSamplesThatAreNoNumbersPassBy) {
    LogMel features(LogMel::kaldi());
    features.push(std::vector<float>(400, 0.0F));
    for (const float energy : features.last(1)) EXPECT_NEAR(energy, std::log(1.1920929e-7), 1e-5);

    auto samples = voice(4000);
    const auto clean = frames_of(LogMel::kaldi(), samples, 100, 1);
    samples[1000] = std::numeric_limits<float>::quiet_NaN();
    const auto damaged = frames_of(LogMel::kaldi(), samples, 100, 1);
    for (std::size_t t = 0; t < clean.size(); ++t) {
        const bool holds_it = 160 * t <= 1000 && 1000 < 160 * t + 400;
        EXPECT_EQ(damaged[t] == clean[t], !holds_it) << t;
        for (const float energy : damaged[t]) EXPECT_TRUE(std::isfinite(energy));
    }
}

TEST(LogMel, StartsAnewAfterReset) {
    const auto samples = voice(5000);
    for (const auto& design : {LogMel::kaldi(16'000, 80, false), LogMel::librosa()}) {
        LogMel features(design);
        features.push(samples);
        features.finish();
        const auto last = features.last(30);
        const std::vector<float> first(last.begin(), last.end());
        features.reset();
        EXPECT_EQ(features.frames(), 0U);
        features.push(samples);
        features.finish();
        const auto again = features.last(30);
        EXPECT_TRUE(std::equal(again.begin(), again.end(), first.begin(), first.end()));
    }
}

TEST(LogMel, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    const auto samples = voice(4000);
    LogMel features(LogMel::kaldi(16'000, 80, false));
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (const std::size_t count : {1U, 160U, 161U, 999U, 2600U}) features.push(std::span(samples).first(count));
        features.finish();
    }
    EXPECT_GT(features.frames(), 20U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).locks, 0U);
}

TEST(LogMel, RefusesDesignsThatCannotBe) {
    auto design = LogMel::kaldi();
    design.length = 513;
    EXPECT_THROW(LogMel{design}, std::invalid_argument);
    design = LogMel::kaldi();
    design.floor = 0;
    EXPECT_THROW(LogMel{design}, std::invalid_argument);
    design = LogMel::kaldi();
    design.hop = 401;
    EXPECT_THROW(LogMel{design}, std::invalid_argument);
    EXPECT_THROW(static_cast<void>(LogMel::kaldi(7999)), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
