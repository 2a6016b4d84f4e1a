// SPDX-License-Identifier: Apache-2.0
#include "dsp/mel_bank.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "dsp/mel_kernels.hpp"

namespace sidetone::dsp {
namespace {

// Slaney's Auditory Toolbox (1998): 15 mel at 1000 Hz, then 27 to every factor of 6.4.
constexpr double kSlaneyHzPerMel = 200.0 / 3;
constexpr double kSlaneyCornerHz = 1000;
const double kSlaneyStep = std::log(6.4) / 27;

double mel_of(double hz, MelScale scale) {
    if (scale == MelScale::htk) return 1127.0 * std::log1p(hz / 700.0);
    if (hz < kSlaneyCornerHz) return hz / kSlaneyHzPerMel;
    return kSlaneyCornerHz / kSlaneyHzPerMel + std::log(hz / kSlaneyCornerHz) / kSlaneyStep;
}

double hz_of(double mel, MelScale scale) {
    if (scale == MelScale::htk) return 700.0 * std::expm1(mel / 1127.0);
    const double corner = kSlaneyCornerHz / kSlaneyHzPerMel;
    return mel < corner ? mel * kSlaneyHzPerMel : kSlaneyCornerHz * std::exp(kSlaneyStep * (mel - corner));
}

/// A triangle's left foot, top and right foot, in what its sides are straight in.
struct Triangle {
    double left, top, right;

    [[nodiscard]] double at(double x) const {
        return std::max(0.0, std::min((x - left) / (top - left), (right - x) / (right - top)));
    }
};

Triangle triangle_of(const MelBank::Design& design, std::size_t band) {
    const double low = mel_of(design.low_hz, design.scale);
    const double step = (mel_of(design.high_hz, design.scale) - low) / static_cast<double>(design.bands + 1);
    const auto mel = [&](std::size_t n) { return low + step * static_cast<double>(n); };
    if (design.scale == MelScale::htk) return {mel(band), mel(band + 1), mel(band + 2)};
    return {hz_of(mel(band), design.scale), hz_of(mel(band + 1), design.scale), hz_of(mel(band + 2), design.scale)};
}

const MelBank::Design& checked(const MelBank::Design& design) {
    const double nyquist = design.rate_hz / 2.0;
    if (!(design.low_hz >= 0 && design.low_hz < design.high_hz && design.high_hz <= nyquist)) {
        throw std::invalid_argument("mel filters from " + std::to_string(design.low_hz) + " to " +
                                    std::to_string(design.high_hz) + " Hz; expected to rise, within 0 to " +
                                    std::to_string(nyquist) + " Hz");
    }
    if (design.bands < 1 || design.bands > 256) {
        throw std::invalid_argument("mel filters: found " + std::to_string(design.bands) + ", expected 1 to 256");
    }
    return design;
}

}  // namespace

double MelBank::weight(const Design& design, std::size_t band, std::size_t bin) {
    const double hz = static_cast<double>(bin) * design.rate_hz / static_cast<double>(design.transform);
    const auto triangle = triangle_of(design, band);
    if (design.scale == MelScale::htk) return triangle.at(mel_of(hz, design.scale));
    return triangle.at(hz) * 2 / (triangle.right - triangle.left);
}

MelBank::MelBank(const Design& design) : design_(checked(design)) {
    for (std::size_t band = 0; band < bands(); band += kGroup) append_group(band);
    longest_ = *std::max_element(lengths_.begin(), lengths_.end());
}

void MelBank::append_group(std::size_t first_band) {
    // Bins first … last of each filter; filters that fill up the group, and those between two bins, have none.
    std::pair<std::size_t, std::size_t> runs[kGroup] = {};
    std::size_t longest = 1;
    for (std::size_t lane = 0; lane < kGroup && first_band + lane < bands(); ++lane) {
        auto& [first, end] = runs[lane];
        for (std::size_t bin = 0; bin < bins(); ++bin) {
            if (weight(design_, first_band + lane, bin) <= 0) continue;
            if (end == 0) first = bin;
            end = bin + 1;
        }
        longest = std::max(longest, end - first);
    }
    lengths_.push_back(longest);
    for (const auto& run : runs) starts_.push_back(static_cast<std::int32_t>(run.first));
    for (std::size_t n = 0; n < longest; ++n) {
        for (std::size_t lane = 0; lane < kGroup; ++lane) {
            const std::size_t bin = runs[lane].first + n;
            const bool within = bin < runs[lane].second;
            weights_.push_back(within ? static_cast<float>(weight(design_, first_band + lane, bin)) : 0.0F);
        }
    }
}

void MelBank::log_energies(const float* power, float floor, float* out) const noexcept {
    mel_log_energies(
        {.bands = bands(), .lengths = lengths_.data(), .starts = starts_.data(), .weights = weights_.data()}, power,
        floor, out);
}

}  // namespace sidetone::dsp
