// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "dsp/frequency_bands.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// The bins from `first` to before `last`, between the centres of two bands.
struct BinSegment {
    std::size_t first, last, lower, upper;
};

/// Between the bins of a spectrum and bands of frequency. Made on the control thread; any thread may use it.
class BandBins {
public:
    /// Bin k of a transform of `size` samples stands for the frequencies from k - 1/2 to k + 1/2.
    BandBins(const FrequencyBands& bands, double rate_hz, std::size_t size);

    [[nodiscard]] std::size_t bins() const noexcept { return place_.size(); }
    [[nodiscard]] std::size_t bands() const noexcept { return ranges_.size(); }

    /// What each band holds of a power per bin: an edge inside of a bin shares it out.
    void sum(const float* bin_power, float* band_power) const noexcept SIDETONE_REALTIME;

    /// A value per bin from one per band: at the centres it, between them on straight lines over equivalent rectangular
    /// bandwidths, outside of them as at the outer ones.
    void spread(const float* band_value, float* bin_value) const noexcept SIDETONE_REALTIME;

private:
    /// Whole bins from `first` to before `last`, and parts of the two at either side.
    struct Range {
        std::size_t first, last;
        float share_below, share_above;
    };
    std::vector<Range> ranges_;
    std::vector<BinSegment> segments_;
    std::vector<float> place_;  // of each bin between the centres of its segment's bands
};

}  // namespace sidetone::dsp
