// SPDX-License-Identifier: Apache-2.0
#include "stage/compress.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "dsp/prescription.hpp"
#include "dsp/speech_spectrum.hpp"
#include "stage/filter_bank.hpp"
#include "unit/stage/spectrum.hpp"
#include "unit/stage/through_stage.hpp"

namespace sidetone::stage {
namespace {

constexpr double kFullScaleDbSpl = 120;
constexpr FilterBankSettings kShort{.analysis_ms = 16.0 / 3, .synthesis_ms = 8.0 / 3, .hop_ms = 4.0 / 3};
constexpr FilterBankSettings kAid{.analysis_ms = 8, .synthesis_ms = 3, .hop_ms = 1};
constexpr FilterBankSettings kLong{.analysis_ms = 32, .synthesis_ms = 4, .hop_ms = 1};

/// A filter bank with a compressor, and the link itself.
struct Aid {
    Aid(const FilterBankSettings& bank, const CompressTable& table) {
        auto owned = std::make_unique<CompressGain>(table);
        link = owned.get();
        std::vector<std::unique_ptr<SpectralGain>> links;
        links.push_back(std::move(owned));
        stage = std::make_unique<FilterBankStage>(bank, std::move(links));
    }
    CompressGain* link;
    std::unique_ptr<FilterBankStage> stage;
};

dsp::FrequencyBands audiogram_bands() {
    return dsp::bands_around({dsp::kAudiogramHz.begin(), dsp::kAudiogramHz.end()});
}

double band_level_db_spl(const dsp::FrequencyBands& bands, std::size_t b, double speech_db_spl) {
    return dsp::speech_level_between_db_spl(bands.edges_hz[b], bands.edges_hz[b + 1], speech_db_spl);
}

/// What `sidetone prescribe --rule compressive` puts into a chain.
CompressTable prescribed(const dsp::PerFrequency& thresholds) {
    CompressTable table;
    table.has_full_scale = true;
    auto& compressor = table.compressor;
    compressor.full_scale_db_spl = compressor.playback_full_scale_db_spl = kFullScaleDbSpl;
    compressor.bands = audiogram_bands();
    compressor.ears.resize(1);
    for (std::size_t b = 0; b < compressor.bands.count(); ++b) {
        dsp::GainCurve curve;
        for (int speech = 45; speech <= 100; speech += 5) {
            curve.points.push_back(
                {band_level_db_spl(compressor.bands, b, speech), dsp::compressive_gains_db(thresholds, speech)[b]});
        }
        compressor.ears[0].push_back(curve);
    }
    return table;
}

/// A tone at every audiogram frequency, each at the level that its band has in speech; phases as if by chance.
std::vector<float> tones(double speech_db_spl, std::size_t frames) {
    const auto bands = audiogram_bands();
    std::vector<float> signal(frames);
    for (std::size_t b = 0; b < bands.count(); ++b) {
        const double level = band_level_db_spl(bands, b, speech_db_spl) - kFullScaleDbSpl;
        const double amplitude = std::sqrt(2.0) * std::pow(10.0, level / 20);
        for (std::size_t n = 0; n < frames; ++n) {
            const double turns =
                bands.centres_hz[b] * static_cast<double>(n) / 48'000 + 0.37 * static_cast<double>(b * b);
            signal[n] += static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * turns));
        }
    }
    return signal;
}

TEST(CompressGain, GainsAreThePrescriptionsAtEveryAudiogramFrequency) {
    const dsp::PerFrequency sloping{20, 25, 28, 30, 38, 45, 55, 60, 65, 70};
    const dsp::PerFrequency steep{10, 10, 15, 20, 40, 65, 75, 80, 80, 80};
    const dsp::PerFrequency flat{40, 40, 40, 40, 40, 40, 40, 40, 40, 40};
    for (const auto& bank : {kShort, kAid, kLong}) {
        for (const auto& thresholds : {sloping, steep, flat}) {
            for (const double speech : {50.0, 65.0, 80.0}) {
                const Aid aid(bank, prescribed(thresholds));
                aid.stage->prepare(test::card(1));
                const auto in = tones(speech, 72'000);
                const auto out = test::through(*aid.stage, {in})[0];
                for (std::size_t f = 0; f < dsp::kAudiogramHz.size(); ++f) {
                    const double hz = dsp::kAudiogramHz[f];
                    const double gain = std::abs(test::amplitude_at(std::span{out}.last(24'000), hz)) /
                                        std::abs(test::amplitude_at(std::span{in}.last(24'000), hz));
                    EXPECT_NEAR(20 * std::log10(gain), dsp::compressive_gains_db(thresholds, speech)[f], 1.0)
                        << bank.analysis_ms << " ms, speech of " << speech << " dB SPL, " << hz << " Hz";
                }
            }
        }
    }
}

CompressTable two_to_one(double attack_ms, double release_ms) {
    CompressTable table;
    table.has_full_scale = true;
    table.compressor.bands = dsp::bands_around({500, 1000, 2000});
    table.compressor.ears = {{3, dsp::GainCurve{.points = {{40, 30}, {100, 0}}}}};
    table.compressor.attack_ms = attack_ms;
    table.compressor.release_ms = release_ms;
    return table;
}

/// Level of every period of a 1000 Hz tone, around each sample, in dB.
std::vector<double> envelope_db(const std::vector<float>& signal) {
    std::vector<double> envelope(signal.size());
    for (std::size_t n = 24; n + 24 < signal.size(); ++n) {
        double power = 0;
        for (std::size_t k = n - 24; k < n + 24; ++k) power += static_cast<double>(signal[k]) * signal[k];
        envelope[n] = 10 * std::log10(power / 48 + 1e-20);
    }
    return envelope;
}

/// From frame `from` to the last one before frame `to` whose level is off by more than `tolerance_db`, in ms.
double settled_ms(const std::vector<double>& envelope, std::size_t from, std::size_t to, double tolerance_db) {
    std::size_t last_off = from;
    for (std::size_t n = from; n < to; ++n) {
        if (std::fabs(envelope[n] - envelope[to]) > tolerance_db) last_off = n;
    }
    return static_cast<double>(last_off - from) / 48;
}

TEST(CompressGain, OutputSettlesInTheSetTimesAfterTheStandardsStep) {
    for (const auto& bank : {kShort, kAid, kLong}) {
        const Aid aid(bank, two_to_one(10, 100));
        aid.stage->prepare(test::card(1));
        auto tone = test::sine(1000, 144'000, std::sqrt(2.0));
        for (std::size_t n = 0; n < tone.size(); ++n) {
            const double level = n >= 48'011 && n < 96'029 ? 90 : 55;
            tone[n] *= static_cast<float>(std::pow(10.0, (level - kFullScaleDbSpl) / 20));
        }
        const auto envelope = envelope_db(test::through(*aid.stage, {tone})[0]);
        const auto delay = aid.stage->delay_frames();
        // Bands beside the tone hear little of it, and their high gains spread to it.
        EXPECT_NEAR(envelope[140'000], 55 + 22.5 - kFullScaleDbSpl, 2.5);
        EXPECT_NEAR(envelope[90'000], 90 + 5 - kFullScaleDbSpl, 2.5);
        EXPECT_NEAR(settled_ms(envelope, 48'011 + delay, 90'000, 3), 10, 1) << bank.analysis_ms;
        EXPECT_NEAR(settled_ms(envelope, 96'029 + delay, 140'000, 4), 100, 10) << bank.analysis_ms;
    }
}

TEST(CompressGain, ChangeWhileSoundRunsMakesNoClick) {
    // The same gain in all bands: others make images of the tone, change or no change.
    const auto with_gain = [](double gain_db) {
        auto table = two_to_one(5, 80);
        for (auto& curve : table.compressor.ears[0]) curve.points = {{40, gain_db}};
        return table;
    };
    const Aid aid(kShort, with_gain(20));
    aid.stage->prepare(test::card(1));
    const auto changed = with_gain(5);
    const auto out = test::through(*aid.stage, {test::sine(1000, 14'400, 0.02)}, 64, [&](std::size_t frame) {
        if (frame == 9'600) aid.link->change(changed);
    })[0];
    const auto before = std::span{out}.subspan(4'100, 4'500);
    const auto around = std::span{out}.subspan(8'600, 4'500);
    const double change_db = 20 * std::log10(std::abs(test::amplitude_at(around.last(1'200), 1000)) /
                                             std::abs(test::amplitude_at(before, 1000)));
    EXPECT_LT(change_db, -6) << "nothing changed";
    EXPECT_LT(test::power_above_db(around, 5'000), -75);
}

TEST(CompressGain, TheCardsCalibrationCountsUnlessTheFileHasItsOwn) {
    auto table = two_to_one(5, 80);
    const auto gain_db = [&](const Calibration& calibration) {
        const Aid aid(kAid, table);
        auto context = test::card(1);
        context.calibration = calibration;
        aid.stage->prepare(context);
        const auto out = test::through(*aid.stage, {test::sine(1000, 24'000, std::sqrt(2.0) * 0.001)})[0];
        return 20 *
               std::log10(std::abs(test::amplitude_at(std::span{out}.last(9'600), 1000)) / (std::sqrt(2.0) * 0.001));
    };
    EXPECT_FALSE(Aid(kAid, table).stage->needs_calibration());
    EXPECT_NEAR(gain_db({}), 20, 1.5);
    EXPECT_EQ(gain_db({100, 90, true}), gain_db({}));
    table.has_full_scale = false;
    EXPECT_TRUE(Aid(kAid, table).stage->needs_calibration());
    // The tone is at 40 dB SPL now, and full scale comes out 10 dB softer than it went in.
    EXPECT_NEAR(gain_db({100, 90, true}), 30 + 10, 1.5);
}

}  // namespace
}  // namespace sidetone::stage
