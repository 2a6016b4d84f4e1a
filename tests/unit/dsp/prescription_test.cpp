// SPDX-License-Identifier: Apache-2.0
#include "dsp/prescription.hpp"

#include <gtest/gtest.h>

namespace sidetone::dsp {
namespace {

// A sloping loss: 40, 50 and 55 dB HL at 500, 1000 and 2000 Hz add up to 145, so X is 7.25.
constexpr PerFrequency kSloping{30, 40, 45, 50, 52, 55, 60, 65, 70, 75};
// A profound loss: 95, 100 and 105 dB HL add up to 300.
constexpr PerFrequency kProfound{90, 95, 95, 100, 100, 105, 110, 110, 115, 120};
constexpr PerFrequency kNormal{};

void expect_near(const PerFrequency& gain_db, const PerFrequency& expected_db) {
    for (std::size_t f = 0; f < gain_db.size(); ++f) {
        EXPECT_NEAR(gain_db[f], expected_db[f], 1e-9) << kAudiogramHz[f] << " Hz";
    }
}

TEST(NalR, WorkedExample) {
    // 250 Hz: 7.25 + 0.31 · 30 - 17 = -0.45, and nothing is attenuated.
    expect_near(nal_r_gains_db(kSloping), {0, 11.65, 18.2, 23.75, 24.37, 23.3, 23.85, 25.4, 26.95, 28.5});
}

TEST(NalRp, EqualsNalRForAModerateLoss) {
    EXPECT_EQ(nal_rp_gains_db(kSloping), nal_r_gains_db(kSloping));
}

TEST(NalRp, WorkedExampleOfAProfoundLoss) {
    // X = 9 + 0.116 · 120 = 22.92; 105 dB HL at 2000 Hz: the row 8, 5, 2, 0, -3, -5 … of the table.
    // 250 Hz: 22.92 + 27.9 - 17 + 8; 2000 Hz: 22.92 + 32.55 - 1 - 5; 8000 Hz: 22.92 + 37.2 - 2 - 5.
    expect_near(nal_rp_gains_db(kProfound), {41.82, 49.37, 51.37, 54.92, 51.92, 49.47, 50.02, 50.02, 51.57, 53.12});
}

TEST(NalRp, GainHasNoStepWhereTheCorrectionsBegin) {
    PerFrequency loss = kProfound;
    loss[5] = 90;  // at 2000 Hz
    const auto before_db = nal_rp_gains_db(loss);
    loss[5] = 90.01;
    const auto after_db = nal_rp_gains_db(loss);
    for (std::size_t f = 0; f < loss.size(); ++f) EXPECT_NEAR(before_db[f], after_db[f], 0.02);
    // 60 dB HL on average.
    EXPECT_NEAR(nal_rp_gains_db({60, 60, 60, 60, 60, 60.01, 60, 60, 60, 60})[3], 28.6, 0.01);
    EXPECT_NEAR(nal_rp_gains_db({60, 60, 60, 60, 60, 60, 60, 60, 60, 60})[3], 28.6, 1e-9);
}

TEST(Compressive, SpeechAt65DecibelsHasTheCambridgeGains) {
    expect_near(compressive_gains_db(kSloping, 65), {4.4, 11.2, 15.6, 24, 23.96, 27.4, 27.8, 31.2, 34.6, 37});
}

TEST(Compressive, WorkedExampleAtOtherLevels) {
    // 500 Hz: speech at 45 dB SPL has 62.1 - 25 = 37.1 there, the threshold is 40 + 4.4: 7.3 dB are needed, 11.2 are
    // given, so the gain is linear. 4000 Hz: 65 - 5.4 - 20.6 = 39 dB are needed, 7.8 more than 31.2: slope 0.39.
    for (const double level_db_spl : {50.0, 80.0}) {
        const auto gain_db = compressive_gains_db(kSloping, level_db_spl);
        EXPECT_NEAR(gain_db[1], 11.2, 1e-9);
        EXPECT_NEAR(gain_db[7], 31.2 - 0.39 * (level_db_spl - 65), 1e-9);
    }
    // 8000 Hz: 75 + 12.6 - 18.7 = 68.9 dB are needed, more than the ratio of 3 allows: slope 2/3.
    EXPECT_NEAR(compressive_gains_db(kSloping, 50)[9], 47, 1e-9);
    EXPECT_NEAR(compressive_gains_db(kSloping, 80)[9], 27, 1e-9);
}

TEST(Compressive, NeverGivesMoreToLouderSpeech) {
    for (const auto& loss : {kNormal, kSloping, kProfound}) {
        auto softer_db = compressive_gains_db(loss, 20);
        for (int level_db_spl = 21; level_db_spl < 120; ++level_db_spl) {
            const auto louder_db = compressive_gains_db(loss, level_db_spl);
            for (std::size_t f = 0; f < loss.size(); ++f) {
                EXPECT_LE(louder_db[f], softer_db[f] + 1e-9);
                // The output still rises, by a third of the input at least.
                EXPECT_GE(louder_db[f], softer_db[f] - 2.0 / 3 - 1e-9);
                EXPECT_GE(louder_db[f], 0);
            }
            softer_db = louder_db;
        }
    }
}

TEST(Prescription, NormalHearingIsLeftAlmostAsItIs) {
    for (const auto& gain_db : {nal_r_gains_db(kNormal), nal_rp_gains_db(kNormal), compressive_gains_db(kNormal, 65)}) {
        for (const double gain : gain_db) {
            EXPECT_GE(gain, 0);
            EXPECT_LE(gain, 1);
        }
    }
}

TEST(Audiogram, HalfOctavesAreFilledInOverTheLogarithmOfFrequency) {
    EarAudiogram ear{.threshold_db_hl = {10, 20, 0, 30, 0, 40, 55, 60, 0, 80}};
    for (std::size_t f = 0; f < kAudiogramHz.size(); ++f) {
        ear.is_measured[f] = is_octave(kAudiogramHz[f]) || kAudiogramHz[f] == 3000;
    }
    const auto filled = interpolated(ear).threshold_db_hl;
    // log2(1.5) = 0.58496 of the way to the next octave.
    expect_near(filled, {10, 20, 25.849625007211561, 30, 35.849625007211561, 40, 55, 60, 71.699250014423122, 80});
}

TEST(Audiogram, OctavesAreThoseThatMustBeMeasured) {
    for (const int frequency_hz : {250, 500, 1000, 2000, 4000, 8000}) EXPECT_TRUE(is_octave(frequency_hz));
    for (const int frequency_hz : {0, 125, 750, 1500, 3000, 6000}) EXPECT_FALSE(is_octave(frequency_hz));
}

}  // namespace
}  // namespace sidetone::dsp
