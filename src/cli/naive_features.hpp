// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "dsp/log_mel.hpp"

namespace sidetone::cli {

/// Kaldi's log-mel features as one writes them down first: vectors that are made for each frame, a transform of radix
/// 2, a loop for each filter, std::log. What `bench features` compares with; nothing for real time.
class NaiveFeatures {
public:
    /// `design` as LogMel::kaldi gives it, snipped.
    explicit NaiveFeatures(const dsp::LogMel::Design& design);

    /// Takes samples; returns the frames that they completed.
    [[nodiscard]] std::vector<std::vector<float>> push(std::span<const float> samples);

private:
    /// A filter's weights from its first bin on.
    struct Filter {
        std::size_t first = 0;
        std::vector<float> weights;
    };

    [[nodiscard]] std::vector<float> frame_of(std::vector<float> x) const;
    [[nodiscard]] std::vector<float> power_of(const std::vector<float>& x) const;

    dsp::LogMel::Design design_;
    std::vector<float> window_, pending_;
    std::vector<Filter> filters_;
    std::vector<std::complex<float>> turns_;  // exp(-2πi k / transform)
};

}  // namespace sidetone::cli
