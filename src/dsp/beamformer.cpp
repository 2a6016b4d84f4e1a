// SPDX-License-Identifier: Apache-2.0
#include "dsp/beamformer.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace sidetone::dsp {
namespace {

constexpr double kPowerSeconds = 0.020;
constexpr float kLeastPower = 1e-10F;  // of the cardioid to the back: below that nothing is learnt
constexpr float kMost = 16;            // 24 dB beyond full scale

float harmless(float sample) noexcept {
    return std::isfinite(sample) ? std::clamp(sample, -kMost, kMost) : 0;
}

}  // namespace

Beamformer::Beamformer(const BeamformerSettings& settings) : is_adaptive_(settings.is_adaptive) {
    const double delay = settings.spacing_m / kSpeedOfSoundMPerS * settings.rate_hz;
    if (!(delay >= 0.05 && delay <= 24)) throw std::invalid_argument("the spacing does not suit the rate");
    // Lagrange's interpolation is at its best between its two middle taps; where the way between the microphones is
    // shorter than that, everything waits for a sample or two.
    const auto whole = static_cast<std::size_t>(delay);
    constexpr std::size_t kMiddle = kTaps / 2 - 1;
    direct_delay_ = whole < kMiddle ? kMiddle - whole : 0;
    first_tap_ = whole + direct_delay_ - kMiddle;
    const double place = delay + static_cast<double>(direct_delay_) - static_cast<double>(first_tap_);
    for (std::size_t k = 0; k < kTaps; ++k) {
        double weight = 1;
        for (std::size_t m = 0; m < kTaps; ++m) {
            if (m != k) weight *= (place - static_cast<double>(m)) / (static_cast<double>(k) - static_cast<double>(m));
        }
        fraction_[k] = static_cast<float>(weight);
    }
    // The front's difference has the magnitude 2 sin(ω delay), a sum 1 / 2 sin(ω / 2).
    scale_ = static_cast<float>(1 / (2 * delay));
    leak_ = static_cast<float>(std::exp(-2 * std::numbers::pi * settings.equalise_from_hz / settings.rate_hz));
    const double cosine = std::cos(settings.null_degrees * std::numbers::pi / 180);
    beta_ = static_cast<float>(std::clamp((1 + cosine) / (1 - cosine), 0.0, 1.0));
    step_ = static_cast<float>(1000 / (settings.adapt_ms * settings.rate_hz));
    power_kept_ = static_cast<float>(std::exp(-1 / (kPowerSeconds * settings.rate_hz)));
}

void Beamformer::take(Line& line, float sample) noexcept {
    line.samples[place_] = line.samples[place_ + kMostDelay] = sample;
    const float* newest = &line.samples[place_ + kMostDelay];
    line.direct = *(newest - direct_delay_);
    line.delayed = 0;
    for (std::size_t k = 0; k < kTaps; ++k) line.delayed += fraction_[k] * *(newest - first_tap_ - k);
}

void Beamformer::process(const float* front, const float* back, float* out, std::size_t frames) noexcept {
    for (std::size_t i = 0; i < frames; ++i) {
        take(front_, harmless(front[i]));
        take(back_, harmless(back[i]));
        place_ = (place_ + 1) % kMostDelay;
        front_sum_ = leak_ * front_sum_ + scale_ * (front_.direct - back_.delayed);
        back_sum_ = leak_ * back_sum_ + scale_ * (back_.direct - front_.delayed);
        const float sound = front_sum_ - beta_ * back_sum_;
        out[i] = sound;
        if (!is_adaptive_) continue;
        power_ = power_kept_ * power_ + (1 - power_kept_) * back_sum_ * back_sum_;
        beta_ = std::clamp(beta_ + step_ * sound * back_sum_ / (power_ + kLeastPower), 0.0F, 1.0F);
    }
}

}  // namespace sidetone::dsp
