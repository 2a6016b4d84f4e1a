// SPDX-License-Identifier: Apache-2.0
#include "dsp/band_bins.hpp"

#include <span>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/band_bins.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Most stretches between centres are shorter than two vectors: each is done in whole ones, and what they write beyond
/// it is put right by those after it.
[[gnu::hot]] void spread_over(std::span<const BinSegment> segments, const float* place, const float* band_value,
                              float* bin_value, std::size_t bins) {
    const hn::CappedTag<float, 8> d;
    for (const auto& segment : segments) {
        const float from = band_value[segment.lower];
        const float rise = band_value[segment.upper] - from;
        std::size_t k = segment.first;
        for (; k < segment.last && k + hn::Lanes(d) <= bins; k += hn::Lanes(d)) {
            hn::StoreU(hn::MulAdd(hn::LoadU(d, place + k), hn::Set(d, rise), hn::Set(d, from)), d, bin_value + k);
        }
        for (; k < segment.last; ++k) bin_value[k] = from + place[k] * rise;
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>

namespace sidetone::dsp {

HWY_EXPORT(spread_over);

BandBins::BandBins(const FrequencyBands& bands, double rate_hz, std::size_t size) : place_(size / 2 + 1) {
    const double bin_hz = rate_hz / static_cast<double>(size);
    const auto edge = [&](double hz) { return std::clamp(hz / bin_hz + 0.5, 0.0, static_cast<double>(place_.size())); };
    for (std::size_t b = 0; b < bands.count(); ++b) {
        const double low = edge(bands.edges_hz[b]);
        const double high = edge(bands.edges_hz[b + 1]);
        const auto first = static_cast<std::size_t>(std::ceil(low));
        const auto last = static_cast<std::size_t>(std::floor(high));
        if (last < first) {  // all of it inside of one bin
            ranges_.push_back({first, first, static_cast<float>(high - low), 0});
        } else {
            ranges_.push_back(
                {first, last, static_cast<float>(std::ceil(low) - low), static_cast<float>(high - std::floor(high))});
        }
    }

    std::size_t next = 0;
    for (std::size_t b = 0; b <= bands.count(); ++b) {
        BinSegment segment{next, next, b == 0 ? 0 : b - 1, std::min(b, bands.count() - 1)};
        const double low = erb_number(bands.centres_hz[segment.lower]);
        const double width = erb_number(bands.centres_hz[segment.upper]) - low;
        for (; next < place_.size(); ++next) {
            const double hz = static_cast<double>(next) * bin_hz;
            if (b < bands.count() && hz >= bands.centres_hz[b]) break;
            place_[next] = width > 0 ? static_cast<float>((erb_number(hz) - low) / width) : 0;
        }
        segment.last = next;
        segments_.push_back(segment);
    }
}

[[gnu::hot]] void BandBins::sum(const float* bin_power, float* band_power) const noexcept {
    for (std::size_t b = 0; b < ranges_.size(); ++b) {
        const auto& [first, last, share_below, share_above] = ranges_[b];
        float sum = 0;
        if (share_below > 0) sum += share_below * bin_power[first - 1];
        for (std::size_t k = first; k < last; ++k) sum += bin_power[k];
        if (share_above > 0) sum += share_above * bin_power[last];
        band_power[b] = sum;
    }
}

[[gnu::hot]] void BandBins::spread(const float* band_value, float* bin_value) const noexcept {
    HWY_DYNAMIC_DISPATCH(spread_over)(segments_, place_.data(), band_value, bin_value, place_.size());
}

}  // namespace sidetone::dsp
#endif
