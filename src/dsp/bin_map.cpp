// SPDX-License-Identifier: Apache-2.0
#include "dsp/bin_map.hpp"

#include <algorithm>
#include <cmath>

namespace sidetone::dsp {

BinMap::BinMap(Axis from, Axis to, double band_end_hz, double mean_band_hz) : from_bins_(from.bins) {
    const auto spacing = [](const Axis& axis) { return axis.rate_hz / 2 / static_cast<double>(axis.bins - 1); };
    const double last = std::min(band_end_hz / spacing(from), static_cast<double>(from.bins - 1));
    for (std::size_t k = 0; k < to.bins; ++k) {
        const double position = static_cast<double>(k) * spacing(to) / spacing(from);
        if (position > last) break;
        const auto bin = std::min(static_cast<std::size_t>(position), from.bins - 2);
        at_.push_back({.bin = bin, .share = static_cast<float>(position - static_cast<double>(bin))});
    }
    extended_ = to.bins - at_.size();
    mean_end_ = static_cast<std::size_t>(last) + 1;
    mean_begin_ = std::min(mean_end_ - 1,
                           static_cast<std::size_t>(std::ceil(std::max(0.0, last - mean_band_hz / spacing(from)))));
}

void BinMap::apply(const float* from, float* to) const noexcept {
    for (std::size_t k = 0; k < at_.size(); ++k) {
        const auto [bin, share] = at_[k];
        to[k] = from[bin] + share * (from[bin + 1] - from[bin]);
    }
    float sum = 0;
    for (auto k = mean_begin_; k < mean_end_; ++k) sum += from[k];
    std::fill_n(to + at_.size(), extended_, sum / static_cast<float>(mean_end_ - mean_begin_));
}

}  // namespace sidetone::dsp
