// SPDX-License-Identifier: Apache-2.0
#include "dsp/si_sdr.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {

namespace {

double mean(std::span<const float> signal) {
    return std::accumulate(signal.begin(), signal.end(), 0.0) / static_cast<double>(signal.size());
}

}  // namespace

double si_sdr_db(std::span<const float> reference, std::span<const float> estimate) {
    if (reference.size() != estimate.size()) {
        throw std::invalid_argument("SI-SDR: the reference has " + std::to_string(reference.size()) +
                                    " samples, the estimate " + std::to_string(estimate.size()));
    }
    if (reference.empty()) return std::numeric_limits<double>::quiet_NaN();

    const double reference_mean = mean(reference);
    const double estimate_mean = mean(estimate);
    double projection = 0;
    double energy = 0;
    for (std::size_t n = 0; n < reference.size(); ++n) {
        const double r = static_cast<double>(reference[n]) - reference_mean;
        projection += r * (static_cast<double>(estimate[n]) - estimate_mean);
        energy += r * r;
    }
    const double scale = projection / energy;

    double target = 0;
    double distortion = 0;
    for (std::size_t n = 0; n < reference.size(); ++n) {
        const double wanted = scale * (static_cast<double>(reference[n]) - reference_mean);
        const double error = static_cast<double>(estimate[n]) - estimate_mean - wanted;
        target += wanted * wanted;
        distortion += error * error;
    }
    return 10.0 * std::log10(target / distortion);
}

}  // namespace sidetone::dsp
