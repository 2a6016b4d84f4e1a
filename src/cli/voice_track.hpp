// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <vector>

#include "cli/spectrogram.hpp"
#include "dsp/formants.hpp"
#include "dsp/pitch.hpp"

namespace sidetone::cli {

/// A voice at one instant.
struct VoiceMoment {
    double time_s = 0;      ///< in the recording
    double level_dbfs = 0;  ///< root mean square of 25 ms around it, below full scale; -infinity of silence
    dsp::PitchFrame pitch;
    dsp::FormantFrame formants;

    /// Formants that mean something: of a voice, and clear.
    [[nodiscard]] bool has_formants() const noexcept { return pitch.is_voiced() && formants.is_reliable; }
};

/// A voice every 10 ms, and the picture of its sound.
struct VoiceTrack {
    double recorded_s = 0;         ///< the length of the whole recording
    double from_s = 0, to_s = 0;   ///< the part of it that was looked at
    std::uint64_t not_finite = 0;  ///< samples of the recording that were NaN or infinite, and taken for silence
    std::vector<VoiceMoment> moments;
    Spectrogram spectrogram;
};

inline constexpr double kMostSeconds = 3600;

/// Listens to the part of a recording, of the mean of its channels at 16 kHz. At most kMostSeconds of it, since all is
/// kept. Throws InputError that names the file.
[[nodiscard]] VoiceTrack track_voice(const std::filesystem::path& file, double ceiling_hz, double from_s, double to_s);

/// The values at 5, 50 and 95 % of many; NaN of none.
struct Spread {
    double low = std::numeric_limits<double>::quiet_NaN(), median = low, high = low;
};

/// What the moments come to.
struct VoiceSummary {
    double voiced_share = 0;
    Spread level_dbfs, f0_hz;               ///< of voiced moments
    std::array<Spread, 4> formants_hz;      ///< of those with formants
    std::array<double, 4> bandwidths_hz{};  ///< medians; NaN of none

    /// Between the 5 and 95 % of the pitch.
    [[nodiscard]] double semitones() const;
};
[[nodiscard]] VoiceSummary summary(std::span<const VoiceMoment> moments);

}  // namespace sidetone::cli
