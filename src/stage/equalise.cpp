// SPDX-License-Identifier: Apache-2.0
#include "stage/equalise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "dsp/products.hpp"

namespace sidetone::stage {
namespace {

constexpr double kGlideSeconds = 0.005;  // time constant
constexpr std::array<std::string_view, 3> kChangeable{"preamp_db", "file", "filter"};

}  // namespace

void EqualiseStage::prepare(const StageContext& context) {
    rate_hz_ = context.rate_hz;
    wanted_.emplace(std::make_unique<Biquads>(biquads_of(settings_, rate_hz_)));
    cascade_.emplace(context.channels, rate_hz_);
    heard_ = &wanted_->read();
    cascade_->set(*heard_);
}

std::span<const std::string_view> EqualiseStage::changeable_keys() const noexcept {
    return kChangeable;
}

void EqualiseStage::change(const Settings& settings) {
    const auto equaliser = read_equaliser(settings);
    settings.finish();
    change(equaliser);
}

void EqualiseStage::change(const EqualiserSettings& settings) {
    settings_ = settings;
    if (wanted_) wanted_->publish(std::make_unique<Biquads>(biquads_of(settings_, rate_hz_)));
}

[[gnu::hot]] void EqualiseStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                                         const BlockTime& /*time*/) noexcept {
    const auto& wanted = wanted_->read();
    if (&wanted != heard_) {
        heard_ = &wanted;
        cascade_->set(wanted);
    }
    cascade_->process(in, out, frames);
}

void EqualiseGain::prepare(const SpectralContext& context) {
    rate_hz_ = context.stage.rate_hz;
    bin_hz_ = rate_hz_ / context.analysis_frames;
    channels_ = context.stage.channels;
    glide_ = static_cast<float>(1 - std::exp(-static_cast<double>(context.hop_frames) / (kGlideSeconds * rate_hz_)));
    gains_.resize(context.bins);
    gains_ = gains_of(settings_);
    wanted_.emplace(std::make_unique<Gains>(gains_));
}

std::span<const std::string_view> EqualiseGain::changeable_keys() const noexcept {
    return kChangeable;
}

void EqualiseGain::change(const Settings& settings) {
    const auto equaliser = read_equaliser(settings);
    settings.finish();
    change(equaliser);
}

void EqualiseGain::change(const EqualiserSettings& settings) {
    settings_ = settings;
    if (wanted_) wanted_->publish(std::make_unique<Gains>(gains_of(settings_)));
}

EqualiseGain::Gains EqualiseGain::gains_of(const EqualiserSettings& settings) const {
    const auto biquads = biquads_of(settings, rate_hz_);
    Gains gains(gains_.size());
    for (std::size_t k = 0; k < gains.size(); ++k) {
        double gain = 1;
        for (const auto& biquad : biquads) {
            gain *= std::abs(response(biquad, static_cast<double>(k) * bin_hz_, rate_hz_));
        }
        gains[k] = static_cast<float>(gain);
    }
    return gains;
}

void EqualiseGain::process(const SpectralHop& hop) noexcept {
    const auto& wanted = wanted_->read();
    for (std::size_t k = 0; k < gains_.size(); ++k) gains_[k] += glide_ * (wanted[k] - gains_[k]);
    for (std::uint32_t c = 0; c < channels_; ++c) {
        dsp::multiply(hop.gains[c], gains_.data(), hop.gains[c], gains_.size());
    }
}

}  // namespace sidetone::stage
