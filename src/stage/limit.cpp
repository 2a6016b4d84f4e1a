// SPDX-License-Identifier: Apache-2.0
#include "stage/limit.hpp"

#include <algorithm>

namespace sidetone::stage {

void LimitStage::prepare(const StageContext& context) {
    channels_ = context.channels;
    faded_ = 0;
    fade_frames_ = static_cast<std::uint64_t>(settings_.fade_in_ms * context.rate_hz / 1000);
    if (settings_.true_peak) {
        limiter_.emplace<dsp::TruePeakLimiter>(settings_.limiter, context.channels, context.rate_hz);
    } else {
        limiter_.emplace<dsp::SoftLimiter>(settings_.limiter, context.channels, context.rate_hz);
    }
}

std::uint32_t LimitStage::delay_frames() const noexcept {
    const auto* limiter = std::get_if<dsp::TruePeakLimiter>(&limiter_);
    return limiter == nullptr ? 0 : static_cast<std::uint32_t>(limiter->delay_frames());
}

void LimitStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                         const BlockTime& /*time*/) noexcept {
    const float* const* source = in;
    if (faded_ < fade_frames_) {
        fade_in(in, out, frames);
        source = out;
    }
    if (auto* soft = std::get_if<dsp::SoftLimiter>(&limiter_); soft != nullptr) {
        soft->process(source, out, frames);
    } else if (auto* ahead = std::get_if<dsp::TruePeakLimiter>(&limiter_); ahead != nullptr) {
        ahead->process(source, out, frames);
    }
}

// The square of the time: each doubling of it is 12 dB.
void LimitStage::fade_in(const float* const* in, float* const* out, std::uint32_t frames) noexcept {
    for (std::uint32_t n = 0; n < frames; ++n) {
        const float share = static_cast<float>(std::min(faded_ + n, fade_frames_)) / static_cast<float>(fade_frames_);
        for (std::uint32_t c = 0; c < channels_; ++c) out[c][n] = in[c][n] * share * share;
    }
    faded_ += frames;
}

}  // namespace sidetone::stage
