// SPDX-License-Identifier: Apache-2.0
#include "dsp/frequency_bands.hpp"

#include <cmath>
#include <numeric>
#include <utility>

namespace sidetone::dsp {

double erb_number(double frequency_hz) noexcept {
    return 21.4 * std::log10(0.00437 * frequency_hz + 1);
}

double frequency_of_erb_number(double number) noexcept {
    return (std::pow(10.0, number / 21.4) - 1) / 0.00437;
}

FrequencyBands erb_bands(std::size_t count, double lowest_hz, double highest_hz) {
    const double low = erb_number(lowest_hz);
    const double high = erb_number(highest_hz);
    std::vector<double> edges_hz;
    for (std::size_t edge = 0; edge <= count; ++edge) {
        const double share = static_cast<double>(edge) / static_cast<double>(count);
        edges_hz.push_back(frequency_of_erb_number(std::lerp(low, high, share)));
    }
    return bands_between(std::move(edges_hz));
}

FrequencyBands bands_between(std::vector<double> edges_hz) {
    FrequencyBands bands;
    for (std::size_t b = 0; b + 1 < edges_hz.size(); ++b) {
        bands.centres_hz.push_back(
            frequency_of_erb_number(std::midpoint(erb_number(edges_hz[b]), erb_number(edges_hz[b + 1]))));
    }
    bands.edges_hz = std::move(edges_hz);
    return bands;
}

FrequencyBands bands_around(std::vector<double> centres_hz) {
    FrequencyBands bands;
    const std::size_t count = centres_hz.size();
    bands.edges_hz.push_back(centres_hz[0] * std::sqrt(centres_hz[0] / centres_hz[1]));
    for (std::size_t b = 0; b + 1 < count; ++b) {
        bands.edges_hz.push_back(std::sqrt(centres_hz[b] * centres_hz[b + 1]));
    }
    bands.edges_hz.push_back(centres_hz[count - 1] * std::sqrt(centres_hz[count - 1] / centres_hz[count - 2]));
    bands.centres_hz = std::move(centres_hz);
    return bands;
}

}  // namespace sidetone::dsp
