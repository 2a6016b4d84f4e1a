// SPDX-License-Identifier: Apache-2.0
#include "dsp/whitener.hpp"

#include <algorithm>
#include <cmath>

namespace sidetone::dsp {
namespace {

constexpr double kMemorySeconds = 0.020;
// As if white noise lay 20 dB below the sound: what is hardly there is not to be made as loud as the rest.
constexpr double kNoiseShare = 1e-2;
constexpr double kSilence = 1e-14;

}  // namespace

Whitener::Whitener(double rate_hz, std::size_t piece_frames) noexcept
    : piece_frames_(piece_frames), retain_(std::exp(-static_cast<double>(piece_frames) / (kMemorySeconds * rate_hz))) {}

void Whitener::follow(const float* sound) noexcept {
    for (std::size_t k = 0; k <= kOrder; ++k) {
        float sum = 0;
        for (std::size_t n = 0; n < piece_frames_; ++n) sum += sound[n] * *(sound + n - k);
        correlation_[k] = retain_ * correlation_[k] + static_cast<double>(sum);
    }
    predict();
}

// Levinson and Durbin: the coefficients that leave the least power.
void Whitener::predict() noexcept {
    std::array<double, kOrder + 1> a{1}, previous{};
    double error = correlation_[0] * (1 + kNoiseShare) + kSilence;
    for (std::size_t order = 1; order <= kOrder; ++order) {
        double sum = correlation_[order];
        for (std::size_t k = 1; k < order; ++k) sum += a[k] * correlation_[order - k];
        // Rounding must not let the filter grow without bound.
        const double reflection = std::clamp(-sum / error, -0.9999, 0.9999);
        previous = a;
        for (std::size_t k = 1; k < order; ++k) a[k] = previous[k] + reflection * previous[order - k];
        a[order] = reflection;
        error *= 1 - reflection * reflection;
    }
    for (std::size_t k = 0; k < kOrder; ++k) coefficients_[k] = static_cast<float>(a[k + 1]);
}

void Whitener::whiten(const float* sound, float* out, std::size_t count) const noexcept {
    std::copy_n(sound, count, out);
    for (std::size_t k = 0; k < kOrder; ++k) {
        const float* earlier = sound - (k + 1);
        for (std::size_t n = 0; n < count; ++n) out[n] += coefficients_[k] * earlier[n];
    }
}

}  // namespace sidetone::dsp
