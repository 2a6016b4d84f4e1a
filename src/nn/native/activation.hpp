// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sidetone::nn::native {

/// What becomes of a sum before it is stored.
enum class Activation : std::uint8_t { none, relu, prelu };

}  // namespace sidetone::nn::native
