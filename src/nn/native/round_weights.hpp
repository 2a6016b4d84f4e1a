// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "nn/native/program.hpp"

namespace sidetone::nn::native {

/// What matrices of floats a program may read in a run before it holds them in 24 bits: processors have 1 to 2 MiB of
/// second-level cache, and beyond it a product waits for its weights.
inline constexpr std::size_t kMostFloatWeightBytes = std::size_t{1} << 20U;

/// Holds matrices in 24 bits where those of the program are more than `kMostFloatWeightBytes` together. Small ones stay
/// as they are.
void round_weights(Program& program);

}  // namespace sidetone::nn::native
