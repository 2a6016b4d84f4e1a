// SPDX-License-Identifier: Apache-2.0
#include "dsp/minimum_phase_filter.hpp"

#include <algorithm>
#include <cmath>

#include "dsp/decibels.hpp"
#include "dsp/products.hpp"

namespace sidetone::dsp {
namespace {

constexpr float kLowestDecibels = -80;
constexpr float kNepersPerDecibel = 0.11512925F;  // ln(10) / 20

// The filter is a quarter of what the analysis resolves, so that it is short and its design cheap, where there is such
// a transform.
std::size_t stride_for(std::size_t transform) {
    for (const std::size_t stride : {4U, 2U}) {
        if (transform % stride == 0 && RealFft::supports(transform / stride)) return stride;
    }
    return 1;
}

}  // namespace

MinimumPhaseFilter::MinimumPhaseFilter(std::size_t transform, std::size_t fade)
    : stride_(stride_for(transform)),
      fft_(transform / stride_),
      filter_(fft_.size() / 2, fade),
      decibels_(fft_.bins()),
      wide_(transform / 2 + 1),
      cepstrum_(fft_.size()),
      spectrum_(fft_.bins()) {}

void MinimumPhaseFilter::set_gains(const float* gains) noexcept {
    multiply(gains, gains, wide_.data(), wide_.size());
    power_to_decibels(wide_.data(), wide_.data(), wide_.size());
    for (auto& decibels : wide_) decibels = std::max(decibels, kLowestDecibels);
    // Mean of the neighbours, which lie symmetrically around 0 and around half the rate.
    const auto reach = stride_ / 2;
    for (std::size_t k = 0; k < decibels_.size(); ++k) {
        const auto first = std::max(k * stride_, reach) - reach, last = std::min(k * stride_ + reach, wide_.size() - 1);
        float sum = 0;
        for (auto j = first; j <= last; ++j) sum += wide_[j];
        decibels_[k] = sum / static_cast<float>(last - first + 1);
    }
    for (std::size_t k = 0; k < spectrum_.size(); ++k) spectrum_[k] = kNepersPerDecibel * decibels_[k];
    fft_.inverse(spectrum_.data(), cepstrum_.data());
    // Folding the cepstrum onto positive times turns a real logarithm into that of the causal, least-phase response.
    const auto half = cepstrum_.size() / 2;
    for (std::size_t n = 1; n < half; ++n) cepstrum_[n] *= 2;
    std::fill(cepstrum_.begin() + static_cast<std::ptrdiff_t>(half) + 1, cepstrum_.end(), 0.0F);
    fft_.forward(cepstrum_.data(), spectrum_.data());
    decibels_to_gains(decibels_.data(), decibels_.data(), decibels_.size());
    for (std::size_t k = 0; k < spectrum_.size(); ++k) {
        const float phase = spectrum_[k].imag();
        spectrum_[k] = {decibels_[k] * std::cos(phase), decibels_[k] * std::sin(phase)};
    }
    fft_.inverse(spectrum_.data(), cepstrum_.data());
    filter_.set_taps(cepstrum_.data());
}

}  // namespace sidetone::dsp
