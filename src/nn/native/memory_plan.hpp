// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nn/native/program.hpp"

namespace sidetone::nn::native {

/// Gives every storage of `program` its place: outputs are written straight into the caller's memory where that is
/// possible and copied by a last step where not; what lies in between shares one arena, each storage for as long as it
/// is in use only.
void plan_memory(Program& program);

}  // namespace sidetone::nn::native
