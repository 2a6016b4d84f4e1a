// SPDX-License-Identifier: Apache-2.0
#include "dsp/spectral_ratio.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sidetone::dsp {
namespace {

constexpr std::size_t kNeighbours = 2;  // on either side
constexpr float kNothing = 1e-10F;
constexpr float kMost = std::numeric_limits<float>::max();

}  // namespace

SpectralRatio::SpectralRatio(std::size_t bins, double forgetting)
    : forgetting_(static_cast<float>(forgetting)),
      common_(bins + 2 * kNeighbours),
      power_(bins + 2 * kNeighbours),
      ratios_(bins, 1.0F) {}

std::span<const float> SpectralRatio::update(const std::complex<float>* before,
                                             const std::complex<float>* after) noexcept {
    float* const common = common_.data() + kNeighbours;
    float* const power = power_.data() + kNeighbours;
    for (std::size_t k = 0; k < ratios_.size(); ++k) {
        const float re = before[k].real(), im = before[k].imag();
        common[k] = forgetting_ * common[k] + after[k].real() * re + after[k].imag() * im;
        power[k] = forgetting_ * power[k] + re * re + im * im;
    }
    for (std::size_t k = 0; k < ratios_.size(); ++k) {
        float shared = kNothing, all = kNothing;
        for (std::size_t j = k; j <= k + 2 * kNeighbours; ++j) {
            shared += common_[j];
            all += power_[j];
        }
        const bool is_finite = std::abs(shared) <= kMost && all <= kMost;
        ratios_[k] = is_finite ? std::clamp(shared / all, 0.0F, kHighest) : std::numeric_limits<float>::quiet_NaN();
    }
    return ratios_;
}

void SpectralRatio::reset() noexcept {
    std::fill(common_.begin(), common_.end(), 0.0F);
    std::fill(power_.begin(), power_.end(), 0.0F);
    std::fill(ratios_.begin(), ratios_.end(), 1.0F);
}

}  // namespace sidetone::dsp
