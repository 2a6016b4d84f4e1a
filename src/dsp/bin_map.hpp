// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Brings gains from the bins of one transform to those of another, at another rate: linear between bins; above the
/// band that the first one knows, the mean of the gains at its upper end.
class BinMap {
public:
    struct Axis {
        std::size_t bins;  ///< of a real transform of 2 · (bins - 1) samples
        double rate_hz;
    };
    /// `band_end_hz`: up to where the first axis is to be believed, above 0; `mean_band_hz`: how wide a band below it
    /// speaks for all that is above.
    BinMap(Axis from, Axis to, double band_end_hz, double mean_band_hz);

    [[nodiscard]] std::size_t from_bins() const noexcept { return from_bins_; }
    [[nodiscard]] std::size_t to_bins() const noexcept { return at_.size() + extended_; }

    /// No aliasing.
    void apply(const float* from, float* to) const noexcept SIDETONE_REALTIME;

private:
    struct Between {
        std::size_t bin;  // and the next one
        float share;      // of the next one
    };
    std::size_t from_bins_;
    std::vector<Between> at_;
    std::size_t extended_;  // bins above
    std::size_t mean_begin_, mean_end_;
};

}  // namespace sidetone::dsp
