// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "dsp/asymmetric_filter_bank.hpp"
#include "dsp/real_fft.hpp"

namespace sidetone::dsp {

/// What an AsymmetricFilterBank makes of steady gains: they act through its short window, so a sine hears more bins
/// than its own. Control thread only.
class BankResponse {
public:
    /// For sines of these frequencies.
    BankResponse(AsymmetricWindows windows, double rate_hz, std::span<const double> frequencies_hz);

    /// What the sine of frequency `index` is multiplied by, on average over the places of the hop grid, without the
    /// delay:
    ///
    ///     H(f) = (1/R) Σ_m r[m] Σ_n s[n] a[n - m mod N] exp(2πi f ((n - m mod N) - n) / rate)
    ///
    /// with r the inverse transform of the gains, a and s the windows, hop R and transform size N.
    [[nodiscard]] std::complex<double> at(std::size_t index, std::span<const float> gains);

    [[nodiscard]] std::size_t bins() const noexcept { return fft_.bins(); }

private:
    RealFft fft_;
    std::vector<std::vector<std::complex<double>>> weight_;  // of r[m], for each frequency
    std::vector<std::complex<float>> spectrum_;
    std::vector<float> impulse_;
};

}  // namespace sidetone::dsp
