// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace sidetone::nn::native {

enum class Reduction : std::uint8_t { sum, mean, maximum, minimum };

/// out[o, i] is the reduction of x[o, ·, i] over `reduced` elements.
void reduce(Reduction kind, const float* x, std::size_t outer, std::size_t reduced, std::size_t inner,
            float* out) noexcept;

}  // namespace sidetone::nn::native
