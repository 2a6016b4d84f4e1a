// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// Element-wise products used around transforms, on whole vectors; any alignment, any thread. No aliasing but out == a.
void multiply(const float* a, const float* b, float* out, std::size_t count) noexcept SIDETONE_REALTIME;
/// sum[n] += a[n] · b[n].
void multiply_add(const float* a, const float* b, float* sum, std::size_t count) noexcept SIDETONE_REALTIME;
/// sum[n] += a[n].
void add_samples(const float* a, float* sum, std::size_t count) noexcept SIDETONE_REALTIME;
/// out[n] = value.
void set_samples(float value, float* out, std::size_t count) noexcept SIDETONE_REALTIME;
/// out[k] = |spectrum[k]|.
void magnitude(const std::complex<float>* spectrum, float* out, std::size_t count) noexcept SIDETONE_REALTIME;
/// out[k] = |spectrum[k]|².
void power(const std::complex<float>* spectrum, float* out, std::size_t count) noexcept SIDETONE_REALTIME;
/// out[k] = |spectrum[k] · gain[k]|².
void power_with_gains(const std::complex<float>* spectrum, const float* gain, float* out,
                      std::size_t count) noexcept SIDETONE_REALTIME;
/// spectrum[k] *= gain[k], gains real.
void apply_gains(const float* gain, std::complex<float>* spectrum, std::size_t count) noexcept SIDETONE_REALTIME;
/// spectrum[k] *= mask[k], both complex.
void apply_mask(const std::complex<float>* mask, std::complex<float>* spectrum,
                std::size_t count) noexcept SIDETONE_REALTIME;

}  // namespace sidetone::dsp
