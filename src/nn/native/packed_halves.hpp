// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "nn/native/packed_matrix.hpp"
#include "nn/native/program_memory.hpp"

namespace sidetone::nn::native {

/// A constant matrix of floats that 16 bits hold exactly, as they are in files of half precision, and a bias: laid out
/// as `PackedMatrix` does, widened while it is multiplied. What a product reads is half as much, and what it computes
/// is the same.
class PackedHalves {
public:
    using Element = std::function<float(std::size_t row, std::size_t k)>;

    /// Nothing where an element needs more bits, or where the matrix is so small that floats are as fast.
    [[nodiscard]] static std::optional<PackedHalves> pack(std::size_t rows, std::size_t inner,
                                                          std::span<const float> bias, const Element& element);

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t inner() const noexcept { return inner_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return panels_.size() * sizeof(std::uint16_t) + bias_.size() * sizeof(float);
    }

    [[nodiscard]] static std::string_view weight_type() noexcept { return "float16"; }

    /// Adds one number per row, or one for all, to the bias.
    void add_bias(std::span<const float> more);

    /// out[v·rows() + row] = matrix·x + bias for every vector. Nothing outside the vectors is read or written.
    void multiply(InputVectors x, float* out) const noexcept;

private:
    PackedHalves(std::size_t rows, std::size_t inner) : rows_(rows), inner_(inner) {}

    std::size_t rows_, inner_;
    ProgramVector<std::uint16_t> panels_;  // both padded with zeros to whole grains of rows
    ProgramVector<float> bias_;
};

}  // namespace sidetone::nn::native
