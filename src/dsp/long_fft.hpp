// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace sidetone::dsp {

/// As many values as the signal has samples, the negative frequencies behind.
using LongSpectrum = std::vector<std::complex<double>>;

/// Discrete Fourier transform of any length that is a power of two, in double precision, for whole recordings: radix 2,
/// in place, forward, not scaled. Allocates; never on an audio thread (that is what RealFft is for).
void transform_long(LongSpectrum& data);

/// The spectrum of a signal, with silence behind it up to `size`, a power of two.
[[nodiscard]] LongSpectrum spectrum_of(std::span<const float> signal, std::size_t size);

/// The real signal that has this spectrum.
[[nodiscard]] std::vector<double> signal_of(LongSpectrum spectrum);

}  // namespace sidetone::dsp
