// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// How loud one block is; full scale is 1.
struct Level {
    float peak = 0;  ///< largest magnitude
    float rms = 0;   ///< root of the mean square
};

/// Any thread. A block of no samples is silent.
[[nodiscard]] Level measure_level(const float* samples, std::size_t count) noexcept SIDETONE_REALTIME;

/// In dB relative to full scale; silence is -infinity.
[[nodiscard]] inline float to_dbfs(float linear) noexcept SIDETONE_REALTIME {
    return 20.0F * std::log10(linear);
}

}  // namespace sidetone::dsp
