// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dsp/aligned_vector.hpp"

namespace sidetone::dsp {

/// One stage of a transform: it splits each group of `span` points into `radix` groups.
struct LaneStage {
    std::size_t radix, span;
    std::size_t by_group;   ///< offset of its factors ζ, ζ² … ζ^(radix - 1), re and im, for each group
    std::size_t by_column;  ///< the same for the groups within a column, each number for all columns side by side
};

/// The transform by which a convolver multiplies: of two blocks of P real samples, the older as real and the newer as
/// imaginary part, it takes the values of the polynomial Σ z^n (older[n] + i newer[n]) where z^P = i. Those are half of
/// the places where z^(2P) = -1; the other half, for real signals, holds their conjugates. So products of such values
/// are convolutions of 2P samples that wrap around with the sign turned: good for overlap-save as the cyclic ones are,
/// but without the work and the exceptions of a real transform's first and last bin.
///
/// Each stage splits polynomials modulo z^n - c into those modulo z^(n/4) - ζ i^k, ζ = c^(1/4) (or two of n/2): one
/// factor for a whole group, no reordering, and the inverse undoes stage by stage. Forward it works on as many signals
/// as a vector has lanes; the inverse works on single spectra, whose P points lie as `columns` columns of P / columns
/// rows: point number c · rows + r is in row r. Immutable; built on the control thread.
class LaneTransform {
public:
    static constexpr std::size_t kSmallest = 16;
    static constexpr std::size_t kLargest = 32768;

    /// `points`: a power of two from 16 to 32768. `widest`: the lanes of a vector, 1 to 16.
    LaneTransform(std::size_t points, std::size_t widest);

    [[nodiscard]] std::size_t points() const noexcept { return points_; }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] std::size_t rows() const noexcept { return points_ / columns_; }
    [[nodiscard]] std::size_t stages() const noexcept { return stages_.size(); }
    [[nodiscard]] const LaneStage& stage(std::size_t n) const noexcept { return stages_[n]; }
    /// The first of the stages that stay within a column.
    [[nodiscard]] std::size_t first_within() const noexcept { return first_within_; }

    [[nodiscard]] const float* by_group(std::size_t n) const noexcept { return factors_.data() + stages_[n].by_group; }
    [[nodiscard]] const float* by_column(std::size_t n) const noexcept {
        return factors_.data() + stages_[n].by_column;
    }

private:
    void append_factors(const std::vector<double>& angles);

    std::size_t points_, columns_, first_within_ = 0;
    std::vector<LaneStage> stages_;
    AlignedVector<float> factors_;
};

/// How many lanes of floats the kernels' vectors have on this processor: 1, 4, 8 or 16.
[[nodiscard]] std::size_t widest_lanes() noexcept;

}  // namespace sidetone::dsp
