// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sidetone::nn::native {

/// A row-major matrix whose rows start `stride` elements apart.
struct Matrix {
    const float* data;
    std::size_t stride;
};

/// out = a·b + bias, `rows` by `columns`, with `inner` products to each element. Biases may be null: `row_bias` has one
/// value per row, `column_bias` one per column; at most one is given. Nothing outside the matrices is read.
void multiply(Matrix a, Matrix b, std::size_t rows, std::size_t columns, std::size_t inner, const float* row_bias,
              const float* column_bias, float* out, std::size_t out_stride) noexcept;

}  // namespace sidetone::nn::native
