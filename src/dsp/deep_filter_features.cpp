// SPDX-License-Identifier: Apache-2.0
#include "dsp/deep_filter_features.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sidetone::dsp {
namespace {

// Glasberg and Moore's scale as the network's bands have it: 9.265 ln(1 + f / (24.7 · 9.265)).
constexpr double kErbSlope = 9.265, kErbHz = 24.7 * kErbSlope;

constexpr float kLeastPower = 1e-10F;
constexpr float kLevelRangeDb = 40;

// Where running means begin, in the lowest and the highest band or bin; straight lines between.
constexpr double kFirstMeanDb = -60, kLastMeanDb = -90;
constexpr double kFirstMagnitude = 1e-3, kLastMagnitude = 1e-4;

void fill_with_line(std::vector<float>& values, double first, double last) {
    const double step = values.size() > 1 ? (last - first) / static_cast<double>(values.size() - 1) : 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(first + static_cast<double>(i) * step);
}

}  // namespace

std::vector<std::size_t> erb_band_widths(std::size_t bands, std::size_t bins, std::uint32_t rate_hz,
                                         std::size_t least_bins) {
    const double nyquist_hz = rate_hz / 2.0;
    const double bin_hz = nyquist_hz / static_cast<double>(bins - 1);
    const double step = kErbSlope * std::log1p(nyquist_hz / kErbHz) / static_cast<double>(bands);
    std::vector<std::size_t> widths;
    std::size_t edge = 0;  // of the band below, before it was widened
    std::size_t owed = 0;  // bins that it was widened by
    for (std::size_t band = 1; band <= bands; ++band) {
        const double upper_hz = kErbHz * std::expm1(static_cast<double>(band) * step / kErbSlope);
        const auto upper = static_cast<std::size_t>(std::lround(upper_hz / bin_hz));
        const auto wanted = upper - edge;
        const auto width = wanted >= owed + least_bins ? wanted - owed : least_bins;
        owed = width + owed - wanted;
        widths.push_back(width);
        edge = upper;
    }
    // The highest band has the bin at half the rate too, and pays what is still owed.
    const auto sum = std::accumulate(widths.begin(), widths.end() - 1, std::size_t{0});
    widths.back() = bins > sum ? bins - sum : 0;
    return widths;
}

DeepFilterFeatures::DeepFilterFeatures(const Shape& shape)
    : shape_(shape),
      widths_(erb_band_widths(shape.bands, shape.bins, shape.rate_hz, shape.least_bins)),
      mean_db_(shape.bands),
      magnitude_(shape.unit_bins) {
    reset();
}

void DeepFilterFeatures::update(const std::complex<float>* spectrum, float* levels, float* re, float* im) noexcept {
    const auto keep = static_cast<float>(shape_.forgetting);
    const auto scale = static_cast<float>(shape_.scale);
    const auto* bin = spectrum;
    for (std::size_t band = 0; band < widths_.size(); ++band) {
        float power = 0;
        for (const auto* end = bin + widths_[band]; bin < end; ++bin) {
            power += bin->real() * bin->real() + bin->imag() * bin->imag();
        }
        const float mean_power = power * scale * scale / static_cast<float>(widths_[band]);
        const float level_db = 10 * std::log10(mean_power + kLeastPower);
        mean_db_[band] = (1 - keep) * level_db + keep * mean_db_[band];
        levels[band] = (level_db - mean_db_[band]) / kLevelRangeDb;
    }
    for (std::size_t k = 0; k < magnitude_.size(); ++k) {
        const float real = scale * spectrum[k].real(), imag = scale * spectrum[k].imag();
        magnitude_[k] = (1 - keep) * std::sqrt(real * real + imag * imag) + keep * magnitude_[k];
        const float factor = 1 / std::sqrt(magnitude_[k]);
        re[k] = real * factor;
        im[k] = imag * factor;
    }
}

void DeepFilterFeatures::spread(const float* band_gains, float* gains) const noexcept {
    for (std::size_t band = 0; band < widths_.size(); ++band) {
        gains = std::fill_n(gains, widths_[band], band_gains[band]);
    }
}

void DeepFilterFeatures::reset() noexcept {
    fill_with_line(mean_db_, kFirstMeanDb, kLastMeanDb);
    fill_with_line(magnitude_, kFirstMagnitude, kLastMagnitude);
}

}  // namespace sidetone::dsp
