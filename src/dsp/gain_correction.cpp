// SPDX-License-Identifier: Apache-2.0
#include "dsp/gain_correction.hpp"

#include <algorithm>
#include <cmath>

#include "dsp/decibels.hpp"

namespace sidetone::dsp {

std::vector<double> gain_correction_db(BankResponse& response, const BandBins& bands,
                                       std::span<const double> wanted_db) {
    constexpr int kRounds = 40;
    constexpr double kStep = 0.7;
    constexpr double kMostDb = 12;
    std::vector<double> trial_db(wanted_db.size());
    std::vector<double> best_db;
    double least_missing_db = 0;
    std::vector<float> band_db(wanted_db.size());
    std::vector<float> gains(bands.bins());
    for (int round = 0; round < kRounds; ++round) {
        for (std::size_t b = 0; b < band_db.size(); ++b) band_db[b] = static_cast<float>(wanted_db[b] + trial_db[b]);
        bands.spread(band_db.data(), gains.data());
        decibels_to_gains(gains.data(), gains.data(), gains.size());
        const auto tried_db = trial_db;
        double most_missing_db = 0;
        for (std::size_t b = 0; b < band_db.size(); ++b) {
            const double missing_db = wanted_db[b] - 20 * std::log10(std::abs(response.at(b, gains)) + 1e-9);
            most_missing_db = std::max(most_missing_db, std::fabs(missing_db));
            trial_db[b] = std::clamp(trial_db[b] + kStep * missing_db, -kMostDb, kMostDb);
        }
        if (!best_db.empty() && most_missing_db >= least_missing_db) continue;
        least_missing_db = most_missing_db;
        best_db = tried_db;
    }
    return best_db;
}

}  // namespace sidetone::dsp
