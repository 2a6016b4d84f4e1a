// SPDX-License-Identifier: Apache-2.0
#include "dsp/mfcc.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/chunks.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

using Rows = std::vector<std::vector<float>>;

/// A buzz that comes and goes over a little noise, and an offset.
std::vector<float> buzz(std::size_t count) {
    auto samples = test::white_noise(count, 5, 0.01F);
    for (std::size_t n = 0; n < count; ++n) {
        const double turns = static_cast<double>(n) * 170 / 16'000;
        const double loudness = 0.3 * std::pow(std::sin(static_cast<double>(n) / 4000), 2);
        samples[n] += static_cast<float>(0.03 + loudness * (2 * (turns - std::floor(turns)) - 1));
    }
    return samples;
}

Rows rows_of(const Mfcc::Design& design, const std::vector<float>& samples, std::size_t largest_chunk) {
    Mfcc mfcc(design);
    Rows rows;
    const auto keep = [&](std::size_t made) {
        for (; made > 0; --made) {
            const auto row = mfcc.frame(mfcc.frames() - made);
            rows.emplace_back(row.begin(), row.end());
        }
    };
    test::in_chunks(samples, largest_chunk, [&](auto chunk) { keep(mfcc.push(chunk)); });
    keep(mfcc.finish());
    return rows;
}

/// Kaldi's definition on a log-mel row.
std::vector<double> reference(std::span<const float> mel, const Mfcc::Design& design) {
    const auto bands = static_cast<double>(mel.size());
    std::vector<double> row(design.coefficients);
    for (std::size_t i = 0; i < row.size(); ++i) {
        const auto order = static_cast<double>(i);
        for (std::size_t n = 0; n < mel.size(); ++n) {
            row[i] += std::sqrt((i == 0 ? 1 : 2) / bands) * static_cast<double>(mel[n]) *
                      std::cos(std::numbers::pi / bands * (static_cast<double>(n) + 0.5) * order);
        }
        if (design.liftering > 0)
            row[i] *= 1 + design.liftering / 2 * std::sin(std::numbers::pi * order / design.liftering);
    }
    return row;
}

double reference_energy(std::span<const float> samples, double scale) {
    double mean = 0, energy = 0;
    for (const float x : samples) mean += static_cast<double>(x) / static_cast<double>(samples.size());
    for (const float x : samples) energy += std::pow(scale * (static_cast<double>(x) - mean), 2);
    return std::log(energy);
}

std::vector<Mfcc::Design> designs() {
    Mfcc::Design all_cepstra, many;
    all_cepstra.first = Mfcc::First::cepstrum;
    many.log_mel = LogMel::librosa(16'000, 40);
    many.coefficients = 40;
    many.liftering = 0;
    many.first = Mfcc::First::cepstrum;
    return {Mfcc::Design{}, all_cepstra, many};
}

TEST(Mfcc, IsWhatTheDefinitionGivesInDoublePrecisionFromTheLogMelRows) {
    const auto samples = buzz(16'000);
    for (const auto& design : designs()) {
        auto mel_design = design.log_mel;
        mel_design.kept_frames = 128;
        LogMel mel(mel_design);
        mel.push(samples);
        mel.finish();
        const auto rows = rows_of(design, samples, 700);
        ASSERT_EQ(rows.size(), mel.frames());
        for (std::size_t t = 0; t < rows.size(); ++t) {
            auto expected = reference(mel.frame(t), design);
            if (design.first == Mfcc::First::energy) {
                expected[0] = reference_energy(std::span(samples).subspan(160 * t, 400), design.log_mel.scale);
            }
            ASSERT_EQ(rows[t].size(), expected.size());
            for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(rows[t][i], expected[i], 1e-5) << t;
        }
    }
}

TEST(Mfcc, OfSilenceHasNothingButTheFirstCoefficient) {
    // Every band is at the floor, which is a constant row.
    auto design = Mfcc::Design{};
    design.first = Mfcc::First::cepstrum;
    const auto row = rows_of(design, std::vector<float>(400), 400).at(0);
    EXPECT_NEAR(row[0], std::sqrt(23.0) * std::log(1.1920929e-7), 1e-4);
    for (std::size_t i = 1; i < row.size(); ++i) EXPECT_NEAR(row[i], 0, 1e-4);
}

TEST(Mfcc, IsTheSameBitByBitForChunksOfOneTo4000Samples) {
    const auto samples = buzz(30'000);
    auto mirrored = Mfcc::Design{};
    mirrored.log_mel = LogMel::kaldi(16'000, 23, false);
    for (const auto& design : {Mfcc::Design{}, mirrored}) {
        const auto expected = rows_of(design, samples, 1);
        ASSERT_GE(expected.size(), 185U);
        for (const std::size_t largest : test::kChunks) ASSERT_EQ(rows_of(design, samples, largest), expected);
    }
}

TEST(Mfcc, MakesARowWithTheLastSampleOfItsWindowAndStartsAnew) {
    Mfcc mfcc({});
    const auto samples = buzz(560);
    for (int turn = 0; turn < 2; ++turn) {
        EXPECT_EQ(mfcc.push(std::span(samples).first(399)), 0U);
        EXPECT_EQ(mfcc.push(std::span(samples).subspan(399, 1)), 1U);
        EXPECT_EQ(mfcc.push(std::span(samples).subspan(400)), 1U);
        EXPECT_EQ(mfcc.finish(), 0U);
        const auto rows = mfcc.last(2);
        EXPECT_TRUE(std::equal(rows.begin(), rows.begin() + 13, rows_of({}, samples, 560)[0].begin()));
        mfcc.reset();
    }
}

TEST(Mfcc, SamplesThatAreNoNumbersPassBy) {
    auto samples = buzz(4000);
    const auto clean = rows_of({}, samples, 100);
    samples[1000] = std::numeric_limits<float>::quiet_NaN();
    const auto damaged = rows_of({}, samples, 100);
    for (std::size_t t = 0; t < clean.size(); ++t) {
        const bool holds_it = 160 * t <= 1000 && 1000 < 160 * t + 400;
        EXPECT_EQ(damaged[t] == clean[t], !holds_it) << t;
        for (const float value : damaged[t]) EXPECT_TRUE(std::isfinite(value));
    }
}

TEST(Mfcc, MakesNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    const auto samples = buzz(4000);
    Mfcc mfcc({.log_mel = LogMel::kaldi(16'000, 23, false)});
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (const std::size_t count : {1U, 160U, 161U, 4000U}) mfcc.push(std::span(samples).first(count));
        mfcc.finish();
    }
    EXPECT_GT(mfcc.frames(), 20U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

TEST(Mfcc, RefusesDesignsThatCannotBe) {
    EXPECT_THROW(Mfcc({.coefficients = 0}), std::invalid_argument);
    EXPECT_THROW(Mfcc({.coefficients = 24}), std::invalid_argument);
    EXPECT_THROW(Mfcc({.liftering = -1}), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
