// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

namespace sidetone::dsp {

/// The frequencies of pure-tone audiometry that prescriptions are made for, in hertz.
inline constexpr std::array<int, 10> kAudiogramHz{250, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 8000};

/// One value for each of `kAudiogramHz`.
using PerFrequency = std::array<double, kAudiogramHz.size()>;

/// One ear's hearing thresholds in dB HL. Half-octave frequencies are often not measured; octaves always are.
struct EarAudiogram {
    PerFrequency threshold_db_hl{};
    std::array<bool, kAudiogramHz.size()> is_measured{};
};

inline constexpr double kLowestThresholdDbHl = -10, kHighestThresholdDbHl = 120;

/// Whether a prescription cannot be made without this one: 250, 500, 1000, 2000, 4000 and 8000 Hz.
[[nodiscard]] bool is_octave(int frequency_hz) noexcept;

/// Fills in what was not measured, on straight lines over the logarithm of frequency. The octaves must be measured.
[[nodiscard]] EarAudiogram interpolated(EarAudiogram ear) noexcept;

/// Insertion gains in dB for an ear whose thresholds are complete, never below 0: an aid that is worn does not
/// attenuate. Control thread, no state.
///
/// NAL-R, linear: Byrne and Dillon, "The National Acoustic Laboratories' (NAL) new procedure for selecting the gain and
/// frequency response of a hearing aid", Ear and Hearing 7(4), 1986.
[[nodiscard]] PerFrequency nal_r_gains_db(const PerFrequency& threshold_db_hl) noexcept;

/// NAL-RP, linear: NAL-R with more gain for a severe loss and less treble for a profound one: Byrne, Parkinson and
/// Newall, "Hearing aid gain and frequency response requirements for the severely/profoundly hearing impaired", Ear and
/// Hearing 11(1), 1990.
[[nodiscard]] PerFrequency nal_rp_gains_db(const PerFrequency& threshold_db_hl) noexcept;

/// Compressive, after the manner of CAMFIT and CAMREST; for speech with an overall level of `speech_db_spl`. Speech at
/// 65 dB SPL has the gains of the Cambridge formula (Moore and Glasberg, British Journal of Audiology 32, 1998).
///
/// The rest is an approximation: the published procedures fit a model of loudness (Moore, Alcántara, Stone and
/// Glasberg, British Journal of Audiology 33, 1999). Here speech at 45 dB SPL is lifted until its long-term
/// third-octave levels reach the thresholds, as far as a compression ratio of 3 allows; gains lie on a straight line
/// through these two levels, and stay as they are below 45 dB SPL.
[[nodiscard]] PerFrequency compressive_gains_db(const PerFrequency& threshold_db_hl, double speech_db_spl) noexcept;

}  // namespace sidetone::dsp
