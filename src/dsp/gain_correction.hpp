// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "dsp/band_bins.hpp"
#include "dsp/bank_response.hpp"

namespace sidetone::dsp {

/// What to add to the gains of bands, in dB, for a filter bank to have them at the bands' centres: it smooths over
/// 2 · rate / synthesis hertz, so without this a valley is filled by its neighbours. `response` is for the centres.
/// By repeated correction of what is still missing; never more than 12 dB, where a short window cannot do better.
/// Control thread.
[[nodiscard]] std::vector<double> gain_correction_db(BankResponse& response, const BandBins& bands,
                                                     std::span<const double> wanted_db);

}  // namespace sidetone::dsp
