// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "nn/native/program_memory.hpp"

namespace sidetone::nn::native {

/// Vectors of `PackedMatrix::inner()` elements that start `stride` elements apart; they may overlap.
struct InputVectors {
    const float* data;
    std::size_t stride, count;
};

/// Where products go: element `row` of product `v` is at data[row·row_step + v·vector_step].
struct OutputVectors {
    float* data;
    std::size_t row_step, vector_step;
};

/// Rows lie in panels of 64, the last one of as many times 16 as it takes, and a panel's columns one after the other: a
/// product reads the weights once, in order, in whole cache lines, and fills all lanes however few vectors there are.
struct PanelLayout {
    static constexpr std::size_t kPanelRows = 64;
    static constexpr std::size_t kRowGrain = 16;
    /// Weights are read once, in order, from caches far away when a network runs some times a second: so far ahead they
    /// are asked for, into the second level, whose requests are many more than the first's. What the processor does by
    /// itself ends with every page.
    static constexpr std::size_t kPrefetchDistance = 16384;

    std::size_t rows, inner;

    [[nodiscard]] constexpr std::size_t padded_rows() const noexcept {
        return (rows + kRowGrain - 1) / kRowGrain * kRowGrain;
    }
    [[nodiscard]] constexpr std::size_t elements() const noexcept { return padded_rows() * inner; }
    [[nodiscard]] constexpr std::size_t place(std::size_t row, std::size_t k) const noexcept {
        const auto first = row / kPanelRows * kPanelRows;
        return first * inner + k * std::min(kPanelRows, padded_rows() - first) + row - first;
    }
};

/// A constant matrix and bias, laid out at load for products with few vectors.
class PackedMatrix {
public:
    /// Padding makes a matrix of few rows up to 16 times as large: beyond 256 MiB it is not made.
    [[nodiscard]] static constexpr bool fits(std::size_t rows, std::size_t inner) noexcept {
        constexpr std::size_t kMaxElements = std::size_t{64} << 20;
        return rows <= kMaxElements && inner <= kMaxElements / (rows + PanelLayout::kRowGrain);
    }

    PackedMatrix() = default;
    /// `element(row, k)` is the matrix; `bias` has one value per row, or none.
    PackedMatrix(std::size_t rows, std::size_t inner, std::span<const float> bias,
                 const std::function<float(std::size_t row, std::size_t k)>& element);

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t inner() const noexcept { return inner_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return (panels_.size() + bias_.size() + scales_.size()) * sizeof(float) + words_.size() * sizeof(std::uint32_t);
    }

    /// Adds one number per row, or one for all, to the bias.
    void add_bias(std::span<const float> more);

    /// Rounds the weights of all whole panels to integers of 24 bits, each row with a power of two as its scale, so
    /// that products read three bytes of each: a weight changes by half a step at most, 2^-24 of the power of two above
    /// its row's largest, and so by 2^-23 of that largest at most. The last panel of a matrix that does not fill it, at
    /// most 48 rows, stays as it is, and so does a matrix with rows whose largest is below 2^-95 or no number. Inputs
    /// of 2^90 may then overflow.
    void round_weights();
    /// As a plan names it.
    [[nodiscard]] std::string_view weight_type() const noexcept { return words_.empty() ? "float32" : "int24"; }

    /// out = matrix·x + bias for every vector. Nothing outside the vectors is read or written.
    void multiply(InputVectors x, OutputVectors out) const noexcept;

private:
    std::size_t rows_ = 0, inner_ = 0;
    // Of the rows that are rounded, with padding; the words as the processor's vectors want them
    // (panel_product-inl.hpp).
    ProgramVector<std::uint32_t> words_;
    ProgramVector<float> scales_;
    ProgramVector<float> panels_;  // of the other rows; it and the bias are padded with zeros to whole grains of rows
    ProgramVector<float> bias_;
};

}  // namespace sidetone::nn::native
