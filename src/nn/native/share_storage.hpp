// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nn/native/program.hpp"

namespace sidetone::nn::native {

/// Saves copies before memory is planned: what only a concatenation reads is computed in its place there, and a step
/// that may overwrite its first input does so where nothing reads that input afterwards.
void share_storage(Program& program);

}  // namespace sidetone::nn::native
