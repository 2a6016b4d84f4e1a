// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nn/native/program.hpp"

namespace sidetone::nn::native {

/// Lets kernels with sums of products do what follows before they store: batch normalisation, biases, PReLU and its
/// kin. Before storage is shared and memory planned.
void fuse_epilogues(Program& program);

}  // namespace sidetone::nn::native
