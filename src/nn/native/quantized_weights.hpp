// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nn/native/lowering.hpp"
#include "nn/native/packed_bytes.hpp"
#include "nn/native/program_memory.hpp"

namespace sidetone::nn::native {

/// The numbers of a constant of integers of any size; none where the node has no such input.
[[nodiscard]] std::vector<std::int32_t> integers_of(const NodeLowering& node, std::size_t index);

/// The matrix whose element (row, k) is the byte of constant `weights` at `place(row, k)` less its row's zero point,
/// whose bytes have a sign or none. `zero_points` and `offsets` have one number per row, one for all, or none.
[[nodiscard]] PackedBytes pack_bytes(const NodeLowering& node, ValueId weights, std::size_t rows, std::size_t inner,
                                     const std::function<std::size_t(std::size_t row, std::size_t k)>& place,
                                     std::span<const std::int32_t> zero_points,
                                     std::span<const std::int32_t> offsets = {});

/// `values` as one for each of `count` rows. Refuses any other number than one or `count`; none are `otherwise`.
template <class T>
[[nodiscard]] ProgramVector<T> one_per_row(const NodeLowering& node, std::span<const T> values, std::size_t count,
                                           T otherwise) {
    if (values.empty()) return ProgramVector<T>(count, otherwise);
    if (values.size() == 1) return ProgramVector<T>(count, values[0]);
    if (values.size() != count) node.refuse("its scales and zero points are not one per channel");
    return {values.begin(), values.end()};
}

}  // namespace sidetone::nn::native
