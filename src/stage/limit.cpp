// SPDX-License-Identifier: Apache-2.0
#include "stage/limit.hpp"

#include <algorithm>
#include <array>
#include <memory>

namespace sidetone::stage {
namespace {

using namespace std::string_view_literals;

constexpr std::array kModes{"soft"sv, "true_peak"sv};
constexpr std::array kChangeable{"ceiling_dbfs"sv, "release_ms"sv};

}  // namespace

LimitSettings read_limit(const Settings& settings, double highest_dbfs) {
    LimitSettings limit;
    limit.true_peak = settings.choice("mode", "soft", kModes) == 1;
    limit.limiter.ceiling_db = settings.number("ceiling_dbfs", limit.limiter.ceiling_db, -80, highest_dbfs);
    limit.limiter.knee_db = settings.number("knee_db", limit.limiter.knee_db, 0, 24);
    limit.limiter.release_ms = settings.number("release_ms", limit.limiter.release_ms, 1, 5000);
    limit.fade_in_ms = settings.number("fade_in_ms", limit.fade_in_ms, 10, 30'000);
    settings.finish();
    return limit;
}

void LimitStage::prepare(const StageContext& context) {
    channels_ = context.channels;
    faded_ = 0;
    wanted_.emplace(std::make_unique<dsp::LimiterSettings>(settings_.limiter));
    heard_ = &wanted_->read();
    fade_frames_ = static_cast<std::uint64_t>(settings_.fade_in_ms * context.rate_hz / 1000);
    if (settings_.true_peak) {
        limiter_.emplace<dsp::TruePeakLimiter>(settings_.limiter, context.channels, context.rate_hz);
    } else {
        limiter_.emplace<dsp::SoftLimiter>(settings_.limiter, context.channels, context.rate_hz);
    }
}

std::span<const std::string_view> LimitStage::changeable_keys() const noexcept {
    return kChangeable;
}

void LimitStage::change(const Settings& settings) {
    settings_ = read_limit(settings, highest_db_);
    if (wanted_) wanted_->publish(std::make_unique<dsp::LimiterSettings>(settings_.limiter));
}

[[gnu::hot]] void LimitStage::take_change() noexcept {
    const auto& wanted = wanted_->read();
    if (&wanted == heard_) return;
    heard_ = &wanted;
    if (auto* soft = std::get_if<dsp::SoftLimiter>(&limiter_); soft != nullptr) soft->change(wanted);
    if (auto* ahead = std::get_if<dsp::TruePeakLimiter>(&limiter_); ahead != nullptr) ahead->change(wanted);
}

std::uint32_t LimitStage::delay_frames() const noexcept {
    const auto* limiter = std::get_if<dsp::TruePeakLimiter>(&limiter_);
    return limiter == nullptr ? 0 : static_cast<std::uint32_t>(limiter->delay_frames());
}

[[gnu::hot]] void LimitStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                                      const BlockTime& /*time*/) noexcept {
    take_change();
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
