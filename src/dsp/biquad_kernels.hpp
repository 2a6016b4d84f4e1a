// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "dsp/biquad.hpp"

namespace sidetone::dsp {

/// Biquads in a row on two channels at once, or on one that is given twice.
struct BiquadRun {
    std::size_t channels;
    std::size_t count;
    Biquad* biquads;
    const Biquad* steps;  ///< added to `biquads` before each frame; null: they stay as they are
    double* memory;       ///< four for each biquad: s1 of both channels, s2 of both
    std::array<const float*, 2> in;
    std::array<float*, 2> out;
    std::size_t frames;
};

void filter_pair(const BiquadRun& run) noexcept;

}  // namespace sidetone::dsp
