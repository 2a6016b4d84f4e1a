// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "rt/realtime.hpp"

namespace sidetone::speech {

/// Brings a voice that is far softer or louder than those a network was trained with near to their level, slowly: what
/// it says of a row of log-mel energies is added to all of the row. A microphone's gain is not known, and is seldom
/// right; a network that never heard a voice 30 dB softer says nothing.
///
/// A row's level is its largest value. What stands out from the quietest of the last seconds counts as the voice: its
/// mean over some seconds is followed, upwards faster than downwards, and kept while there is none, so that no silence
/// is turned up. Levels within ±13 dB of training's are left alone, from ±26 dB on all that is missing is made up for,
/// up to 45 dB for soft voices and 20 dB for loud ones; and a voice is believed in step by step.
///
/// Depends on the rows alone, so results do not depend on how samples were chunked. One thread. No heap.
class LevelNormaliser {
public:
    /// `speech_level`: the typical level of training's rows with a voice, as a natural logarithm.
    explicit LevelNormaliser(float speech_level) noexcept : speech_level_(speech_level) { reset(); }

    /// What to add to each value of the next row, in natural logarithms of energy. What is not finite does not count.
    [[nodiscard]] float offset_for(std::span<const float> row) noexcept SIDETONE_REALTIME;

    /// As new.
    void reset() noexcept SIDETONE_REALTIME;

private:
    void follow(float level) noexcept;

    float speech_level_, floor_ = 0, voice_ = 0, rows_ = 0;
};

}  // namespace sidetone::speech
