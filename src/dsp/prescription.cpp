// SPDX-License-Identifier: Apache-2.0
#include "dsp/prescription.hpp"

#include <algorithm>
#include <cmath>

namespace sidetone::dsp {

namespace {

constexpr std::size_t kAt500Hz = 1, kAt1000Hz = 3, kAt2000Hz = 5;

// Byrne and Dillon 1986. They end at 6000 Hz; its constant is used at 8000 Hz too.
constexpr PerFrequency kNalConstantDb{-17, -8, -3, 1, 1, -1, -2, -2, -2, -2};

// Moore and Glasberg 1998, INT(f). They end at 5000 Hz, and say to use that value above.
constexpr PerFrequency kCambridgeConstantDb{-10, -8, -6, 0, -1, 1, -1, 0, 1, 1};

// Byrne, Parkinson and Newall 1990: what a profound loss at 2000 Hz adds, by that threshold in dB HL. 750 Hz is put
// between its neighbours here, and 8000 Hz taken to be as 6000 Hz.
struct ProfoundCorrection {
    double threshold_at_2000_hz_db_hl;
    PerFrequency gain_db;
};
constexpr std::array<ProfoundCorrection, 7> kProfoundCorrections{{
    {90, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {95, {4, 3, 1, 0, -1, -2, -2, -2, -2, -2}},
    {100, {6, 4, 2, 0, -2, -3, -3, -3, -3, -3}},
    {105, {8, 5, 2, 0, -3, -5, -5, -5, -5, -5}},
    {110, {11, 7, 3, 0, -3, -6, -6, -6, -6, -6}},
    {115, {13, 8, 3, 0, -4, -8, -8, -8, -8, -8}},
    {120, {15, 9, 4, 0, -5, -9, -9, -9, -9, -9}},
}};

// ISO 389-7:2005, table 1, free field, front: 0 dB HL in dB SPL.
constexpr PerFrequency kNormalThresholdDbSpl{11.4, 4.4, 2.4, 2.4, 2.4, -1.3, -5.8, -5.4, 4.3, 12.6};

// Byrne et al., "An international comparison of long-term average speech spectra", JASA 96, 1994: third octaves, both
// sexes, 70 dB SPL overall. 750, 1500, 3000 and 6000 Hz are the bands at 800, 1600, 3150 and 6300 Hz.
constexpr PerFrequency kSpeechAt70DbSpl{60.3, 62.1, 56.8, 53.7, 52.0, 48.7, 46.8, 45.6, 44.3, 43.7};

constexpr double kSoftSpeechDbSpl = 45, kSpeechDbSpl = 65, kHighestRatio = 3;

double sum_of_three(const PerFrequency& threshold_db_hl) {
    return threshold_db_hl[kAt500Hz] + threshold_db_hl[kAt1000Hz] + threshold_db_hl[kAt2000Hz];
}

/// X + 0.31 HTL(f) + k(f) + correction(f)
PerFrequency nal_gains_db(const PerFrequency& threshold_db_hl, double common_db, const PerFrequency& correction_db) {
    PerFrequency gain_db;
    for (std::size_t f = 0; f < gain_db.size(); ++f) {
        gain_db[f] = std::max(0.0, common_db + 0.31 * threshold_db_hl[f] + kNalConstantDb[f] + correction_db[f]);
    }
    return gain_db;
}

/// Between the table's rows on a straight line: the table goes in steps of 5 dB, as audiometers do.
PerFrequency profound_correction_db(double threshold_at_2000_hz_db_hl) {
    const auto& table = kProfoundCorrections;
    const double lowest = table.front().threshold_at_2000_hz_db_hl;
    const double highest = table.back().threshold_at_2000_hz_db_hl;
    const double place = (std::clamp(threshold_at_2000_hz_db_hl, lowest, highest) - lowest) / 5;
    const auto row = std::min(static_cast<std::size_t>(place), table.size() - 2);
    PerFrequency correction_db;
    for (std::size_t f = 0; f < correction_db.size(); ++f) {
        correction_db[f] =
            std::lerp(table[row].gain_db[f], table[row + 1].gain_db[f], place - static_cast<double>(row));
    }
    return correction_db;
}

}  // namespace

bool is_octave(int frequency_hz) noexcept {
    for (int octave_hz = kAudiogramHz.front(); octave_hz <= frequency_hz; octave_hz *= 2) {
        if (octave_hz == frequency_hz) return true;
    }
    return false;
}

EarAudiogram interpolated(EarAudiogram ear) noexcept {
    for (std::size_t f = 1; f + 1 < kAudiogramHz.size(); ++f) {
        if (ear.is_measured[f]) continue;
        // No two neighbours are half octaves, so both were measured.
        const double share = std::log(static_cast<double>(kAudiogramHz[f]) / kAudiogramHz[f - 1]) /
                             std::log(static_cast<double>(kAudiogramHz[f + 1]) / kAudiogramHz[f - 1]);
        ear.threshold_db_hl[f] = std::lerp(ear.threshold_db_hl[f - 1], ear.threshold_db_hl[f + 1], share);
    }
    return ear;
}

PerFrequency nal_r_gains_db(const PerFrequency& threshold_db_hl) noexcept {
    return nal_gains_db(threshold_db_hl, 0.05 * sum_of_three(threshold_db_hl), {});
}

PerFrequency nal_rp_gains_db(const PerFrequency& threshold_db_hl) noexcept {
    // The published slope above a mean of 60 dB HL is 0.116 for each dB of the sum.
    const double sum = sum_of_three(threshold_db_hl);
    const double common_db = sum <= 180 ? 0.05 * sum : 9 + 0.116 * (sum - 180);
    return nal_gains_db(threshold_db_hl, common_db, profound_correction_db(threshold_db_hl[kAt2000Hz]));
}

PerFrequency compressive_gains_db(const PerFrequency& threshold_db_hl, double speech_db_spl) noexcept {
    constexpr double kMostExtraDb = (kSpeechDbSpl - kSoftSpeechDbSpl) * (1 - 1 / kHighestRatio);
    PerFrequency gain_db;
    for (std::size_t f = 0; f < gain_db.size(); ++f) {
        // Moore and Glasberg 1998: IG(f) = 0.48 HL(f) + INT(f).
        const double middle_db = std::max(0.0, 0.48 * threshold_db_hl[f] + kCambridgeConstantDb[f]);
        const double soft_speech_db_spl = kSpeechAt70DbSpl[f] - 70 + kSoftSpeechDbSpl;
        const double audible_db = threshold_db_hl[f] + kNormalThresholdDbSpl[f] - soft_speech_db_spl;
        const double extra_db = std::clamp(audible_db - middle_db, 0.0, kMostExtraDb);
        const double slope = extra_db / (kSpeechDbSpl - kSoftSpeechDbSpl);
        gain_db[f] = std::max(0.0, middle_db + slope * (kSpeechDbSpl - std::max(speech_db_spl, kSoftSpeechDbSpl)));
    }
    return gain_db;
}

}  // namespace sidetone::dsp
