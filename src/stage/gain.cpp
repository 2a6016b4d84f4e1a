// SPDX-License-Identifier: Apache-2.0
#include "stage/gain.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace sidetone::stage {
namespace {

constexpr double kFadeInSeconds = 0.020;
constexpr double kGlideSeconds = 0.005;  // time constant
constexpr std::array<std::string_view, 1> kChangeable{"gain_db"};

float linear(double gain_db) {
    return static_cast<float>(std::pow(10.0, gain_db / 20));
}

}  // namespace

double read_gain_db(const Settings& settings) {
    const auto gain_db = settings.number("gain_db", 0, -120, 40);
    settings.finish();
    return gain_db;
}

GainStage::GainStage(double gain_db) noexcept : wanted_(linear(gain_db)) {}

std::span<const std::string_view> GainStage::changeable_keys() const noexcept {
    return kChangeable;
}

void GainStage::change(const Settings& settings) {
    wanted_.store(linear(read_gain_db(settings)), std::memory_order_relaxed);
}

void GainStage::prepare(const StageContext& context) {
    channels_ = context.channels;
    gain_ = {wanted_.load(std::memory_order_relaxed), kGlideSeconds, static_cast<double>(context.rate_hz)};
    step_ = static_cast<float>(1.0 / (kFadeInSeconds * context.rate_hz));
    faded_ = 0;
}

void GainStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                        const BlockTime& /*time*/) noexcept {
    gain_.go_to(wanted_.load(std::memory_order_relaxed));
    if (faded_ < 1 || !gain_.is_still()) {
        process_moving(in, out, frames);
        return;
    }
    const auto gain = static_cast<float>(gain_.value());
    for (std::uint32_t c = 0; c < channels_; ++c) {
        for (std::uint32_t i = 0; i < frames; ++i) out[c][i] = in[c][i] * gain;
    }
}

void GainStage::process_moving(const float* const* in, float* const* out, std::uint32_t frames) noexcept {
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float gain = static_cast<float>(gain_.next()) * faded_;
        for (std::uint32_t c = 0; c < channels_; ++c) out[c][i] = in[c][i] * gain;
        faded_ = std::min(1.0F, faded_ + step_);
    }
}

}  // namespace sidetone::stage
