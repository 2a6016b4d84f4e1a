// SPDX-License-Identifier: Apache-2.0
#include "dsp/hrir_measures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "dsp/biquad.hpp"

namespace sidetone::dsp {
namespace {

constexpr double kTimeDifferenceBelowHz = 3000;
constexpr double kMostSeconds = 0.001;
constexpr float kOnsetShare = 0.1F;

double level_db(const std::vector<float>& response) {
    const double energy = std::inner_product(response.begin(), response.end(), response.begin(), 0.0);
    return energy > 0 ? 10 * std::log10(energy) : -std::numeric_limits<double>::infinity();
}

/// In frames, between those where the threshold is crossed.
double onset(const std::vector<float>& response) {
    float peak = 0;
    for (const float tap : response) peak = std::max(peak, std::abs(tap));
    if (peak == 0) return 0;
    const float threshold = kOnsetShare * peak;
    std::size_t n = 0;
    while (std::abs(response[n]) < threshold) ++n;
    if (n == 0) return 0;
    const float before = std::abs(response[n - 1]);
    const float after = std::abs(response[n]);
    return static_cast<double>(n - 1) + static_cast<double>((threshold - before) / (after - before));
}

/// Butterworth's of fourth order.
EarPair below(const EarPair& ears, double frequency_hz, double rate_hz) {
    BiquadCascade low_pass(2, rate_hz);
    std::array<Biquad, 2> biquads;
    constexpr std::array kQ{0.5412, 1.3066};
    for (std::size_t n = 0; n < biquads.size(); ++n) {
        biquads[n] = make_biquad(
            {.shape = EqualiserFilter::Shape::low_pass, .frequency_hz = frequency_hz, .gain_db = 0, .q = kQ[n]},
            rate_hz);
    }
    low_pass.set(biquads);
    auto result = ears;
    const std::array<float*, 2> channels{result[0].data(), result[1].data()};
    low_pass.process(channels.data(), channels.data(), result[0].size());
    return result;
}

}  // namespace

EarPairMeasures measure_ears(const EarPair& ears, std::uint32_t rate_hz) {
    EarPairMeasures measures;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        measures.delay_us[ear] = 1e6 * onset(ears[ear]) / rate_hz;
        measures.level_db[ear] = level_db(ears[ear]);
    }
    if (!std::isfinite(measures.level_db[0]) || !std::isfinite(measures.level_db[1])) return measures;
    const auto low = below(ears, kTimeDifferenceBelowHz, rate_hz);
    measures.itd_us = 1e6 * delay_between(low[0], low[1], static_cast<std::size_t>(kMostSeconds * rate_hz)) / rate_hz;
    measures.ild_db = measures.level_db[0] - measures.level_db[1];
    return measures;
}

}  // namespace sidetone::dsp
