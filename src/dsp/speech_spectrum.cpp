// SPDX-License-Identifier: Apache-2.0
#include "dsp/speech_spectrum.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace sidetone::dsp {

namespace {

constexpr double kOverallDbSpl = 70;
constexpr std::array<double, 25> kThirdOctaveDbSpl{38.6, 43.5, 54.4, 57.7, 56.8, 60.2, 60.3, 59.0, 62.1,
                                                   62.1, 60.5, 56.8, 53.7, 53.0, 52.0, 48.7, 48.1, 46.8,
                                                   45.6, 44.5, 44.3, 43.7, 43.4, 41.3, 40.7};
constexpr int kBandOf1000Hz = 12;

/// Third octaves from 1 kHz: bands by their exact edges, ten to the decade (IEC 61260-1).
double band_of(double frequency_hz) {
    return kBandOf1000Hz + 10 * std::log10(frequency_hz / 1000) + 0.5;
}

}  // namespace

double speech_level_between_db_spl(double low_hz, double high_hz, double overall_db_spl) noexcept {
    const double low = band_of(std::max(low_hz, 1.0));
    const double high = band_of(std::max(high_hz, 1.0));
    double power = 1e-30;
    for (std::size_t band = 0; band < kThirdOctaveDbSpl.size(); ++band) {
        const auto first = static_cast<double>(band);
        const double share = std::min(high, first + 1) - std::max(low, first);
        if (share > 0) power += share * std::pow(10.0, kThirdOctaveDbSpl[band] / 10);
    }
    return 10 * std::log10(power) + overall_db_spl - kOverallDbSpl;
}

}  // namespace sidetone::dsp
