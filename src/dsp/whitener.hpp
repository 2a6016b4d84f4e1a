// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Makes a sound white by linear prediction from what it was in the last 20 ms or so. One thread at a time; constant
/// work, no heap.
class Whitener {
public:
    static constexpr std::size_t kOrder = 24;

    /// Follows a sound that comes in pieces of `piece_frames`.
    Whitener(double rate_hz, std::size_t piece_frames) noexcept;

    /// The next piece. `sound` has kOrder samples before it.
    void follow(const float* sound) noexcept SIDETONE_REALTIME;

    /// out[n] = sound[n] + a[1] sound[n - 1] + … a[kOrder] sound[n - kOrder]; `sound` has kOrder samples before it.
    void whiten(const float* sound, float* out, std::size_t count) const noexcept SIDETONE_REALTIME;

private:
    void predict() noexcept;

    std::size_t piece_frames_;
    double retain_;
    std::array<double, kOrder + 1> correlation_{};
    std::array<float, kOrder> coefficients_{};
};

}  // namespace sidetone::dsp
