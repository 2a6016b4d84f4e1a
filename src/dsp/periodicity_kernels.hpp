// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace sidetone::dsp {

/// out[n] = Σ side[|k|] x[n + reach + k], -reach <= k <= reach = side.size() - 1: a filter that delays nothing.
/// `x` holds `count` + 2 reach samples, `out` is another array. Audio thread; no heap, constant work; any alignment.
void symmetric_filter(std::span<const float> side, const float* x, float* out, std::size_t count) noexcept;

}  // namespace sidetone::dsp
