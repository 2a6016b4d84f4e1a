// SPDX-License-Identifier: Apache-2.0
#include "dsp/fresh_gains.hpp"

#include <algorithm>
#include <cmath>

namespace sidetone::dsp {
namespace {

constexpr std::size_t kNeighbours = 2;  // on either side, over which powers are summed
constexpr float kNoiseKept = 0.9F;      // of the noise from one frame to the next
constexpr float kEarlierShare = 0.3F;   // of the earlier frame in the ratio of sound to noise
constexpr float kMostRatio = 1e6F;      // above it gains are one
constexpr float kNothing = 1e-12F;

// As evidence: what is less than this in power is as good as nothing (noise of -67 dB of full scale in a frame of 960).
constexpr float kQuiet = 1e-4F;
constexpr float kFewestDecades = -4, kMostDecades = 6;

float decades(float power, float noise) noexcept {
    return std::clamp(std::log10((power + kQuiet) / (noise + kQuiet)), kFewestDecades, kMostDecades);
}

}  // namespace

FreshGains::FreshGains(std::size_t bins)
    : bins_(bins), noise_(bins + 2 * kNeighbours), sound_(noise_), newest_(noise_), earlier_gains_(bins) {}

void FreshGains::update(const std::complex<float>* before, const std::complex<float>* after,
                        const std::complex<float>* newest, float* gains) noexcept {
    for (std::size_t k = 0; k < bins_; ++k) {
        const float re = before[k].real(), im = before[k].imag();
        const float gain = (after[k].real() * re + after[k].imag() * im) / (re * re + im * im + kNothing);
        gains[k] = earlier_gains_[k] = std::clamp(gain, 0.0F, 1.0F);
        const float taken_re = re - after[k].real(), taken_im = im - after[k].imag();
        auto& noise = noise_[k + kNeighbours];
        noise = kNoiseKept * noise + (1 - kNoiseKept) * (taken_re * taken_re + taken_im * taken_im);
        sound_[k + kNeighbours] = after[k].real() * after[k].real() + after[k].imag() * after[k].imag();
        newest_[k + kNeighbours] = newest[k].real() * newest[k].real() + newest[k].imag() * newest[k].imag();
    }
    mirror_ends(noise_);
    mirror_ends(sound_);
    mirror_ends(newest_);
    for (std::size_t k = 0; k < bins_; ++k) {
        const float noise = around(noise_, k) + kNothing;
        const float earlier = around(sound_, k) / noise;
        const float now = std::max(around(newest_, k) / noise - 1, 0.0F);
        // In this order of arguments not-a-number stays what it is.
        const float ratio = std::min(kEarlierShare * earlier + (1 - kEarlierShare) * now, kMostRatio);
        gains[k] = std::sqrt(gains[k] * (ratio / (1 + ratio)));
    }
}

void FreshGains::describe(std::size_t bins, float* evidence) const noexcept {
    for (std::size_t k = 0; k < bins; ++k) {
        const float noise = noise_[k + kNeighbours];
        evidence[k] = decades(newest_[k + kNeighbours], noise);
        evidence[bins + k] = decades(sound_[k + kNeighbours], noise);
        evidence[2 * bins + k] = earlier_gains_[k];
    }
}

float FreshGains::around(const std::vector<float>& padded, std::size_t bin) noexcept {
    float sum = 0;
    for (std::size_t k = bin; k <= bin + 2 * kNeighbours; ++k) sum += padded[k];
    return sum;
}

void FreshGains::mirror_ends(std::vector<float>& padded) const noexcept {
    for (std::size_t i = 0; i < kNeighbours; ++i) {
        padded[kNeighbours - 1 - i] = padded[kNeighbours + i];
        padded[kNeighbours + bins_ + i] = padded[kNeighbours + bins_ - 1 - i];
    }
}

void FreshGains::reset() noexcept {
    std::ranges::fill(noise_, 0.0F);
}

}  // namespace sidetone::dsp
