// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Which all-pole filter makes a stretch of sound white: Burg's method (1975), in double precision.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class LinearPrediction {
public:
    /// Throws std::invalid_argument unless 1 <= order < length.
    LinearPrediction(std::size_t length, std::size_t order);

    /// `samples` are `length`. Of silence all coefficients but the first are 0.
    void analyse(std::span<const double> samples) noexcept SIDETONE_REALTIME;

    /// a[0 … order] of Σ a[k] x[n - k] = what cannot be predicted; a[0] = 1. All roots lie in the unit circle.
    [[nodiscard]] std::span<const double> coefficients() const noexcept { return coefficients_; }
    /// The power of the sound over that of what cannot be predicted; 1 of silence.
    [[nodiscard]] double gain() const noexcept { return gain_; }

private:
    std::size_t order_;
    AlignedVector<double> forward_, backward_;  // what forward and backward prediction leave
    std::vector<double> coefficients_, previous_;
    double gain_ = 1;
};

}  // namespace sidetone::dsp
