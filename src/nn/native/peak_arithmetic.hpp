// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sidetone::nn::native {

/// Multiply-adds of floats that one core of this machine does in a second, in the vectors that the kernels use and with
/// all factors in registers: what no kernel can exceed. The best of many short bursts, for what disturbs a burst only
/// makes it slower. Takes some milliseconds; control thread.
[[nodiscard]] double measure_peak_multiply_adds_per_second();

}  // namespace sidetone::nn::native
