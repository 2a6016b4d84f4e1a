// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dsp/prescription.hpp"

namespace sidetone::cli {

/// What one ear is to get.
struct EarFitting {
    std::string ear;  ///< "left" or "right"
    /// Insertion gains for speech of so many dB SPL overall.
    std::function<dsp::PerFrequency(double speech_db_spl)> gains_db;
    bool depends_on_level = false;
};

/// A chain file for these ears, one or two of them: a compressor whose bands lie around the audiogram's frequencies,
/// with the gains for speech of 45 to 100 dB SPL at the levels that such speech has in each band, and a limiter.
[[nodiscard]] std::string chain_of(const std::string& title, const std::string& rule,
                                   const std::vector<EarFitting>& ears, double output_limit_db_spl);

}  // namespace sidetone::cli
