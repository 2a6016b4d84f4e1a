// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "dsp/hrir_measures.hpp"
#include "dsp/response_estimate.hpp"
#include "dsp/speaker_layout.hpp"

namespace sidetone::cli {

/// A speaker's turn in a recording, and what of it is between the ears.
struct HeardSpeaker {
    dsp::Speaker speaker;
    double begin_s = 0, end_s = 0;
    dsp::FrequencySpan range;          ///< in which it is measured
    dsp::EarPairMeasures output, own;  ///< of what was heard, and of the set's responses
    bool is_as_measured = false;       ///< the two agree
};

/// A direction of the set, near the horizon.
struct SetDirection {
    double azimuth_deg = 0;
    dsp::EarPairMeasures measures;
};

/// Who sounds when and from where, and the differences between the ears over azimuth: the set's as curves, what was
/// heard as points. SVG.
[[nodiscard]] std::string draw_surround(const std::vector<HeardSpeaker>& heard, const std::vector<SetDirection>& ring,
                                        const std::string& title, const std::string& conditions);

}  // namespace sidetone::cli
