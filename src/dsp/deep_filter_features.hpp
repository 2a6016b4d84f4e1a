// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// How many of `bins` bins each of `bands` bands has that are equally wide in ERB from 0 to half the rate: rounded, but
/// at least `least_bins`, which the bands above make up for. They add up to `bins`.
[[nodiscard]] std::vector<std::size_t> erb_band_widths(std::size_t bands, std::size_t bins, std::uint32_t rate_hz,
                                                       std::size_t least_bins);

/// What DeepFilterNet is shown of a spectrum (Schröter et al., "DeepFilterNet: A low complexity speech enhancement
/// framework", ICASSP 2022, section 2.2): levels of bands in dB less their running mean, and the lowest bins over the
/// root of their running magnitude.
///
/// Built on the control thread, used by one thread at a time.
class DeepFilterFeatures {
public:
    struct Shape {
        std::size_t bins = 0;
        std::uint32_t rate_hz = 0;
        std::size_t bands = 0, least_bins = 1;
        std::size_t unit_bins = 0;  ///< the lowest bins, which are shown one by one
        double forgetting = 0;      ///< what a running mean keeps from one spectrum to the next
        double scale = 1;           ///< of the spectra, before anything else
    };
    explicit DeepFilterFeatures(const Shape& shape);

    /// `levels`: a value for each band; `re`, `im`: unit_bins values each.
    void update(const std::complex<float>* spectrum, float* levels, float* re, float* im) noexcept SIDETONE_REALTIME;

    /// A band's gain for each of its bins.
    void spread(const float* band_gains, float* gains) const noexcept SIDETONE_REALTIME;

    /// The running means are again what the network was trained to find at the start.
    void reset() noexcept;

private:
    Shape shape_;
    std::vector<std::size_t> widths_;
    std::vector<float> mean_db_, magnitude_;
};

}  // namespace sidetone::dsp
