// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Decibels of whole arrays, on vectors: the logarithm by its exponent and a polynomial. Any alignment, any thread;
/// `out` may be the input.
///
/// out[n] = 10 lg(power[n]), within 0.0001 dB. From -300 to 300 dB; nothing, negative powers and NaN are -300 dB.
void power_to_decibels(const float* power, float* out, std::size_t count) noexcept SIDETONE_REALTIME;

/// out[n] = 10^(decibels[n] / 20), within 0.0003 %. From -700 to 700 dB; NaN is -700 dB.
void decibels_to_gains(const float* decibels, float* out, std::size_t count) noexcept SIDETONE_REALTIME;

}  // namespace sidetone::dsp
