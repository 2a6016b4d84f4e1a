// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rt/mirrored_ring.hpp"
#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// How rows of features change: to each row its slopes are appended, and the slopes of these, as Kaldi's add-deltas
/// does. A slope is the regression Σ j x[t + j] / Σ j² over -window <= j <= window. Slopes of slopes are one sum over
/// 2 window rows to either side, beyond the first and the last row these are repeated.
///
/// Row t comes with row t + delay_rows(), the last ones with `finish`. Built on the control thread; the rest one thread
/// at a time. No heap after construction.
class Deltas {
public:
    struct Design {
        std::size_t columns = 13;
        std::size_t window = 2, order = 2;  ///< order 1: slopes alone; 2: their slopes too; up to 4
        std::size_t kept_rows = 64;         ///< at least so many of the latest are to be had
    };

    /// Throws std::invalid_argument for a design that cannot be, and std::bad_alloc.
    explicit Deltas(const Design& design);

    /// Takes a row of `columns` values; true when that completes one.
    bool push(std::span<const float> row) noexcept SIDETONE_REALTIME;
    /// No more rows: returns how many were left, delay_rows() at most. Then only `reset` may follow.
    std::size_t finish() noexcept SIDETONE_REALTIME;
    void reset() noexcept;

    /// Values in a row: the given ones, then their slopes, then the slopes of these.
    [[nodiscard]] std::size_t columns() const noexcept { return (design_.order + 1) * design_.columns; }
    /// Row t waits for so many rows after it.
    [[nodiscard]] std::size_t delay_rows() const noexcept { return design_.order * design_.window; }
    /// Rows made so far.
    [[nodiscard]] std::uint64_t rows() const noexcept { return made_; }
    [[nodiscard]] std::size_t kept_rows() const noexcept { return made_rows_.capacity() / columns(); }
    /// The latest `count` rows, the oldest first, in one piece; good until the next `push`. `count` <= rows() and
    /// kept_rows().
    [[nodiscard]] std::span<const float> last(std::size_t count) const noexcept SIDETONE_REALTIME {
        return {made_rows_.last(rows() * columns(), count * columns()), count * columns()};
    }

private:
    void make_row() noexcept SIDETONE_REALTIME;

    Design design_;
    std::vector<std::vector<double>> weights_;  // of each order, of the rows -order · window … order · window
    std::vector<double> sums_;
    rt::MirroredRing given_rows_, made_rows_;
    std::uint64_t given_ = 0, made_ = 0;
};

}  // namespace sidetone::dsp
