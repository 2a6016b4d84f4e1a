// SPDX-License-Identifier: Apache-2.0
#include "stage/gain.hpp"

#include <algorithm>
#include <cmath>

namespace sidetone::stage {
namespace {

constexpr double kFadeInSeconds = 0.020;

}  // namespace

GainStage::GainStage(double gain_db) noexcept : gain_(static_cast<float>(std::pow(10.0, gain_db / 20))) {}

void GainStage::prepare(const StageContext& context) {
    channels_ = context.channels;
    step_ = static_cast<float>(1.0 / (kFadeInSeconds * context.rate_hz));
    faded_ = 0;
}

void GainStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                        const BlockTime& /*time*/) noexcept {
    for (std::uint32_t c = 0; c < channels_; ++c) {
        float faded = faded_;
        std::uint32_t i = 0;
        for (; i < frames && faded < 1; ++i) {
            out[c][i] = in[c][i] * gain_ * faded;
            faded += step_;
        }
        for (; i < frames; ++i) out[c][i] = in[c][i] * gain_;
    }
    faded_ = std::min(1.0F, faded_ + step_ * static_cast<float>(frames));
}

}  // namespace sidetone::stage
