// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "nn/native/program_memory.hpp"

namespace sidetone::nn::native {

/// Vectors of bytes that start `stride` bytes apart. Each stands for its bytes less `zero_point`.
struct ByteVectors {
    const std::uint8_t*
        data;  ///< `PackedBytes::padded_inner()` of each vector are read; what the last ones are is all the same
    std::size_t stride, count;
    std::int32_t zero_point;
};

/// A constant matrix of bytes, laid out at load for products with few vectors of bytes, which are exact.
///
/// Rows lie in panels as those of `PackedMatrix` do, but with four columns of a row side by side: instructions for
/// bytes sum four products into each lane at once.
class PackedBytes {
public:
    static constexpr std::size_t kPanelRows = 64;
    static constexpr std::size_t kRowGrain = 16;
    static constexpr std::size_t kDepth = 4;

    /// No sum of so few products overflows, nor does what zero points add to it.
    [[nodiscard]] static constexpr bool fits(std::size_t rows, std::size_t inner) noexcept {
        constexpr std::size_t kMaxElements = std::size_t{128} << 20;
        constexpr std::size_t kMaxInner = std::size_t{1} << 14;
        return rows <= kMaxElements && inner <= kMaxInner && inner + kDepth <= kMaxElements / (rows + kRowGrain);
    }

    /// The matrix is `element(row, k)`, −128 to 127, less its row's zero point; `offsets` are added to the sums. Each
    /// has one number per row, one for all, or none.
    PackedBytes(std::size_t rows, std::size_t inner, std::span<const std::int32_t> zero_points,
                std::span<const std::int32_t> offsets,
                const std::function<std::int8_t(std::size_t row, std::size_t k)>& element);

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t inner() const noexcept { return inner_; }
    [[nodiscard]] std::size_t padded_rows() const noexcept { return row_sums_.size(); }
    [[nodiscard]] std::size_t padded_inner() const noexcept { return (inner_ + kDepth - 1) / kDepth * kDepth; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return panels_.size() + (row_sums_.size() + zero_points_.size() + offsets_.size()) * sizeof(std::int32_t);
    }

    /// sums[v·padded_rows() + row] = matrix·x for every vector. Rows of the padding are written, too.
    void multiply(const ByteVectors& x, std::int32_t* sums) const noexcept;
    /// The same without instructions made for bytes, which not every processor has.
    void multiply_portably(const ByteVectors& x, std::int32_t* sums) const noexcept;

private:
    std::size_t rows_ = 0, inner_ = 0;
    ProgramVector<std::int8_t> panels_;
    // Padded to whole grains of rows; `zero_points_` is empty where all are 0.
    ProgramVector<std::int32_t> row_sums_, zero_points_, offsets_;
};

}  // namespace sidetone::nn::native
