// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "nn/native/program.hpp"

namespace sidetone::nn::native {

/// What matrices of floats a program may read in a run before it holds them in 24 bits: processors have 1 to 2 MiB of
/// second-level cache, and beyond it a product waits for its weights.
inline constexpr std::size_t kMostFloatWeightBytes = std::size_t{1} << 20U;

/// The more vectors share a reading of the weights, the less a product waits for them, and those of 24 bits are more to
/// compute: with more vectors than these only AVX-512 gains, and with eight little.
inline constexpr std::size_t kMostVectorsOfRounded = 4;

/// Holds matrices in 24 bits where those of the program are more than `kMostFloatWeightBytes` together. Small ones stay
/// as they are, and those of products of more than `kMostVectorsOfRounded` vectors. A recurrence reads its matrix again
/// in each step, however many there are.
void round_weights(Program& program);

}  // namespace sidetone::nn::native
