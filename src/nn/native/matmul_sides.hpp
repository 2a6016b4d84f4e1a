// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "nn/native/loop_nest.hpp"
#include "nn/native/lowering.hpp"

namespace sidetone::nn::native {

/// The shapes of a product's sides, each with two dimensions at least.
struct MatMulSides {
    Shape a, b, out;
    std::size_t rows, columns, inner;
};

/// Of what MatMul and its relatives multiply. Refuses what does not go together.
[[nodiscard]] MatMulSides matmul_sides(const NodeLowering& node, ValueId a, ValueId b);

/// True where `constant`, of the shape `side`, is one matrix for all batches.
[[nodiscard]] bool is_one_matrix(const NodeLowering& node, ValueId constant, const Shape& side);

/// How a product walks through the batches of its sides, and of what it makes: in elements, one matrix a step.
[[nodiscard]] LoopNest<3> matmul_batches(const NodeLowering& node, const MatMulSides& sides);

}  // namespace sidetone::nn::native
