// SPDX-License-Identifier: Apache-2.0
#include "dsp/causal_wiener_filter.hpp"

#include <algorithm>
#include <numeric>

#include "dsp/products.hpp"

namespace sidetone::dsp {
namespace {

// As if white noise lay 20 dB below the sound, and got the same gains: what is hardly there does not shape the filter.
constexpr float kNoiseShare = 1e-2F;
constexpr float kSilence = 1e-20F;  // power per bin

}  // namespace

CausalWienerFilter::CausalWienerFilter(std::size_t transform, std::size_t taps, std::size_t delay, std::size_t fade)
    : delay_(delay),
      fft_(transform),
      filter_(taps, fade),
      solver_(taps),
      power_(fft_.bins()),
      bins_(fft_.bins()),
      own_(transform),
      cross_(transform),
      wanted_(taps) {
    // Until gains come it passes everything, as late as ever after.
    wanted_[delay_] = 1;
    filter_.set_taps(wanted_.data());
    filter_.set_taps(wanted_.data());
}

void CausalWienerFilter::set_gains(const float* gains, const std::complex<float>* spectrum) noexcept {
    power(spectrum, power_.data(), power_.size());
    const float mean = std::reduce(power_.begin(), power_.end()) / static_cast<float>(power_.size());
    const float noise = kNoiseShare * mean + kSilence;
    for (std::size_t k = 0; k < power_.size(); ++k) bins_[k] = power_[k] += noise;
    fft_.inverse(bins_.data(), own_.data());
    for (std::size_t k = 0; k < power_.size(); ++k) bins_[k] = gains[k] * power_[k];
    fft_.inverse(bins_.data(), cross_.data());
    // Gains are real, so their correlation is the same to both sides.
    std::reverse_copy(cross_.data(), cross_.data() + delay_ + 1, wanted_.data());
    std::copy_n(cross_.data(), wanted_.size() - delay_, wanted_.data() + delay_);
    filter_.set_taps(solver_.solve(own_.data(), wanted_.data()));
}

}  // namespace sidetone::dsp
