// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sidetone::dsp {

// The parts of a log-mel frame that go over whole arrays. Audio thread; no heap, constant work; any alignment.

/// What is done to a frame's samples before they are transformed.
struct FrameWeights {
    std::span<const float> window;
    bool without_mean;   ///< the frame's mean is taken away first
    float pre_emphasis;  ///< then out[n] = x[n] - pre_emphasis x[n - 1], with x[-1] = x[0]
};

/// out[n] = window[n] · what the weights make of x; `x` and `out` hold window.size() samples and do not overlap.
void weigh_frame(const FrameWeights& weights, const float* x, float* out) noexcept;

/// The filters of a MelBank.
struct MelFilters {
    std::size_t bands;
    const std::size_t* lengths;  ///< of the longest run in each group
    const std::int32_t* starts;
    const float* weights;
};

/// ln max(floor, Σ weight · power) of each band.
void mel_log_energies(const MelFilters& filters, const float* power, float floor, float* out) noexcept;

}  // namespace sidetone::dsp
