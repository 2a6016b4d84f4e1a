// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dsp/products.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Sums windowed frames of `length` samples that advance by `hop`, and hands out each sample once every frame that
/// touches it has been added: out of the k-th call come the samples [k·hop, k·hop + hop) of the frame grid, so the
/// delay against the newest input sample is length - hop. `hop` divides `length`.
class OverlapAdd {
public:
    /// `synthesis_window` has `length` samples; empty: all ones.
    OverlapAdd(std::size_t length, std::size_t hop, std::span<const float> synthesis_window = {});

    /// Adds `frame` (length samples) and writes the `hop` finished samples to `out`.
    void add(const float* frame, float* out) noexcept SIDETONE_REALTIME;
    void reset() noexcept;
    [[nodiscard]] std::size_t delay_frames() const noexcept { return length_ - hop_; }

private:
    std::size_t length_, hop_;
    std::size_t begin_ = 0;  // where the oldest unfinished sample lies in sum_, which is a ring
    std::vector<float> window_, sum_;
};

}  // namespace sidetone::dsp
