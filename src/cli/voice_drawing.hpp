// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/voice_track.hpp"

namespace sidetone::cli {

/// A page of SVG: spectrogram with formants upon it, pitch and level over time, and the summary below.
[[nodiscard]] std::string draw(const VoiceTrack& track, const VoiceSummary& summary, double ceiling_hz,
                               const std::string& title, const std::string& conditions);

}  // namespace sidetone::cli
