// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "nn/native/tensor.hpp"

namespace sidetone::nn::native {

using Strides = std::vector<std::ptrdiff_t>;

/// Strides of a contiguous tensor, in elements.
[[nodiscard]] inline Strides contiguous_strides(const Shape& shape) {
    Strides strides(shape.size());
    std::ptrdiff_t stride = 1;
    for (std::size_t i = shape.size(); i-- > 0;) {
        strides[i] = stride;
        stride *= static_cast<std::ptrdiff_t>(shape[i]);
    }
    return strides;
}

/// Strides that read a tensor of `shape` as one of `target`, by the rules of broadcasting.
[[nodiscard]] inline Strides broadcast_strides(const Shape& shape, const Shape& target) {
    const auto own = contiguous_strides(shape);
    Strides strides(target.size(), 0);
    const auto skipped = target.size() - shape.size();
    for (std::size_t i = 0; i < shape.size(); ++i) strides[skipped + i] = shape[i] == 1 ? 0 : own[i];
    return strides;
}

/// Nested loops over `kOperands` tensors at once, with as few loops as the strides allow.
template <std::size_t kOperands>
class LoopNest {
public:
    using Offsets = std::array<std::ptrdiff_t, kOperands>;

    LoopNest() = default;
    LoopNest(const Shape& shape, const std::array<Strides, kOperands>& strides);

    /// Of the innermost loop.
    [[nodiscard]] std::size_t row() const noexcept { return counts_[0]; }
    [[nodiscard]] const Offsets& row_strides() const noexcept { return strides_[0]; }

    /// Calls `body(offsets)` with the elements at which each row of each tensor starts.
    template <class Body>
    void for_each_row(const Body& body) const noexcept;

    /// Of the loop around it; one row of no stride where there is none.
    [[nodiscard]] std::size_t block_rows() const noexcept { return rank_ > 1 ? counts_[1] : 1; }
    [[nodiscard]] const Offsets& block_strides() const noexcept { return strides_[1]; }
    /// Calls `body(offsets)` with the elements at which each two-dimensional block of each tensor starts.
    template <class Body>
    void for_each_block(const Body& body) const noexcept;

private:
    template <class Body>
    void for_each(std::size_t first, const Body& body) const noexcept;

    // Innermost first.
    std::size_t rank_ = 1;
    std::array<std::size_t, kMaxRank> counts_{1};
    std::array<Offsets, kMaxRank> strides_{};
    std::size_t rows_ = 1;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <std::size_t kOperands>
LoopNest<kOperands>::LoopNest(const Shape& shape, const std::array<Strides, kOperands>& strides) {
    std::size_t used = 0;
    for (std::size_t i = shape.size(); i-- > 0;) {
        if (shape[i] == 1) continue;
        Offsets here;
        for (std::size_t k = 0; k < kOperands; ++k) here[k] = strides[k][i];
        if (used > 0) {
            const auto inner = static_cast<std::ptrdiff_t>(counts_[used - 1]);
            bool joins = true;
            for (std::size_t k = 0; k < kOperands; ++k) joins = joins && here[k] == strides_[used - 1][k] * inner;
            if (joins) {
                counts_[used - 1] *= static_cast<std::size_t>(shape[i]);
                continue;
            }
        }
        counts_[used] = static_cast<std::size_t>(shape[i]);
        strides_[used] = here;
        ++used;
    }
    rank_ = std::max<std::size_t>(used, 1);
    for (std::size_t i = 1; i < rank_; ++i) rows_ *= counts_[i];
    if (elements_of(shape) == 0) rows_ = 0;
}

template <std::size_t kOperands>
template <class Body>
void LoopNest<kOperands>::for_each_row(const Body& body) const noexcept {
    for_each(1, body);
}

template <std::size_t kOperands>
template <class Body>
void LoopNest<kOperands>::for_each_block(const Body& body) const noexcept {
    for_each(2, body);
}

// Runs the loops from `first` on.
template <std::size_t kOperands>
template <class Body>
void LoopNest<kOperands>::for_each(std::size_t first, const Body& body) const noexcept {
    std::array<std::size_t, kMaxRank> at{};
    Offsets offsets{};
    const auto times = first == 1 || rows_ == 0 ? rows_ : rows_ / block_rows();
    for (std::size_t time = 0; time < times; ++time) {
        body(offsets);
        for (std::size_t i = first; i < rank_; ++i) {
            for (std::size_t k = 0; k < kOperands; ++k) offsets[k] += strides_[i][k];
            if (++at[i] < counts_[i]) break;
            at[i] = 0;
            for (std::size_t k = 0; k < kOperands; ++k) {
                offsets[k] -= strides_[i][k] * static_cast<std::ptrdiff_t>(counts_[i]);
            }
        }
    }
}

}  // namespace sidetone::nn::native
