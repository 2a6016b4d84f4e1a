// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsp/prescription.hpp"

namespace sidetone::cli {

/// Insertion gains; a linear rule has one curve, for speech at any level.
struct GainCurve {
    std::optional<int> speech_db_spl;
    dsp::PerFrequency gain_db{};
};

struct EarPrescription {
    std::string ear;  ///< "left" or "right"
    dsp::EarAudiogram audiogram;
    std::vector<GainCurve> curves;
};

struct Prescription {
    std::string title, rule;  ///< as people should read them
    std::vector<EarPrescription> ears;
};

/// An SVG document: the audiogram, drawn as audiologists do (right red circles, left blue crosses, loss downwards;
/// ISO 8253-1), and beside it the gain curves.
[[nodiscard]] std::string draw(const Prescription& prescription);

}  // namespace sidetone::cli
