// SPDX-License-Identifier: Apache-2.0
#include "stage/miss_concealment.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sidetone::stage {
namespace {

constexpr float kFadeSeconds = 0.002F;   // long enough not to click, short enough not to smear a consonant
constexpr float kHoldSeconds = 0.040F;   // a gain is still true after a few hops …
constexpr float kRampSeconds = 0.200F;   // … and after this long nothing is known: unity
constexpr double kGlideSeconds = 0.005;  // time constant, to another share of the dry signal
constexpr float kRepeatGain = 0.5F;      // each further repetition is 6 dB softer

/// Four sums side by side, which the compiler may not make of one by itself: each addition waits for the one before.
[[gnu::hot]] float energy(const float* samples, std::size_t count) noexcept {
    float a = 0, b = 0, c = 0, d = 0;
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        a += samples[i] * samples[i];
        b += samples[i + 1] * samples[i + 1];
        c += samples[i + 2] * samples[i + 2];
        d += samples[i + 3] * samples[i + 3];
    }
    for (; i < count; ++i) a += samples[i] * samples[i];
    return (a + b) + (c + d);
}

}  // namespace

const char* to_string(MissPolicy policy) noexcept {
    switch (policy) {
        case MissPolicy::hold:
            return "hold";
        case MissPolicy::repeat:
            return "repeat";
        case MissPolicy::bypass:
            return "bypass";
        case MissPolicy::silence:
            return "silence";
    }
    return "?";
}

MissConcealment::MissConcealment(const Settings& settings) noexcept
    : settings_(settings), dry_share_(settings.dry_share, kGlideSeconds, settings.rate_hz) {
    const auto rate = static_cast<float>(settings.rate_hz);
    // After kFadeSeconds 1/e^5 (-43 dB) of the step is left.
    step_decay_ = std::exp(-5.0F / (kFadeSeconds * rate));
    ramp_per_sample_ = 1.0F / (kRampSeconds * rate);
    hold_samples_ = static_cast<std::uint32_t>(kHoldSeconds * rate);
}

[[gnu::hot]] void MissConcealment::render(const float* wet, const float* dry, const float* previous, float* out,
                                          std::uint32_t count) noexcept {
    const auto source = wet != nullptr ? Source::model : Source::substitute;
    if (wet != nullptr) {
        mix(wet, dry, out, count);
        follow_gain(out, dry, count);
        held_ = 0;
    } else {
        cover(dry, previous, out, count);
        held_ = std::min(held_ + count, 1U << 30U);
    }
    const bool repeats = wet == nullptr && settings_.policy == MissPolicy::repeat;
    if (source != source_ || repeats) step_ = previous[count - 1] - out[0];
    source_ = source;
    if (step_ == 0) return;
    for (std::uint32_t i = 0; i < count; ++i) {
        out[i] += step_;
        step_ *= step_decay_;
    }
    if (std::fabs(step_) < 1e-9F) step_ = 0;
}

[[gnu::hot]] void MissConcealment::mix(const float* wet, const float* dry, float* out, std::uint32_t count) noexcept {
    if (dry_share_.is_still()) {
        const auto share = static_cast<float>(dry_share_.value());
        for (std::uint32_t i = 0; i < count; ++i) out[i] = wet[i] + share * (dry[i] - wet[i]);
        return;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        out[i] = wet[i] + static_cast<float>(dry_share_.next()) * (dry[i] - wet[i]);
    }
}

void MissConcealment::cover(const float* dry, const float* previous, float* out, std::uint32_t count) noexcept {
    switch (settings_.policy) {
        case MissPolicy::hold:
            for (std::uint32_t i = 0; i < count; ++i) {
                if (held_ + i >= hold_samples_) gain_ = std::min(1.0F, gain_ + ramp_per_sample_);
                out[i] = gain_ * dry[i];
            }
            return;
        case MissPolicy::repeat:
            for (std::uint32_t i = 0; i < count; ++i) out[i] = kRepeatGain * previous[i];
            return;
        case MissPolicy::bypass:
            std::copy_n(dry, count, out);
            return;
        case MissPolicy::silence:
            std::fill_n(out, count, 0.0F);
            return;
    }
}

[[gnu::hot]] void MissConcealment::follow_gain(const float* heard, const float* dry, std::uint32_t count) noexcept {
    const float heard_energy = energy(heard, count);
    const float dry_energy = energy(dry, count);
    if (dry_energy <= 1e-12F) return;
    const float now = std::min(1.0F, std::sqrt(heard_energy / dry_energy));
    gain_ += 0.5F * (now - gain_);  // two hops' memory: a gain, not its flutter
}

}  // namespace sidetone::stage
