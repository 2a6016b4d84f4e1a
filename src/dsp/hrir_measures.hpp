// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "dsp/hrir_set.hpp"

namespace sidetone::dsp {

/// What can be said of a direction by its two responses. Left ear first.
struct EarPairMeasures {
    std::array<double, 2> delay_us{};  ///< until the response first exceeds a tenth of its peak; 0 when it is silent
    std::array<double, 2> level_db{};  ///< of white noise through it, over that noise; -inf when it is silent
    double itd_us = 0;                 ///< interaural time difference: positive when the left ear hears first
    double ild_db = 0;                 ///< interaural level difference: positive when the left ear hears louder
};

/// The time difference is where the responses' cross-correlation below 3 kHz peaks, within a millisecond: what a
/// listener goes by (A. Andreopoulou, B. F. G. Katz, "Identification of perceptually relevant methods of inter-aural
/// time difference estimation", JASA 142, 2017). Control thread.
[[nodiscard]] EarPairMeasures measure_ears(const EarPair& ears, std::uint32_t rate_hz);

}  // namespace sidetone::dsp
