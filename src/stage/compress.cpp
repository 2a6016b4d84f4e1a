// SPDX-License-Identifier: Apache-2.0
#include "stage/compress.hpp"

#include <array>
#include <memory>

namespace sidetone::stage {
namespace {

constexpr std::array<std::string_view, 10> kChangeable{"attack_ms",
                                                       "release_ms",
                                                       "ears",
                                                       "full_scale_db_spl",
                                                       "edges_hz",
                                                       "knee_db",
                                                       "expansion_below_db_spl",
                                                       "expansion_ratio",
                                                       "output_limit_db_spl",
                                                       "band"};

}  // namespace

void CompressGain::prepare(const SpectralContext& context) {
    context_ = context;
    plan_.emplace(make_plan());
    compressor_.emplace(context.stage.channels, context.bins);
}

std::span<const std::string_view> CompressGain::changeable_keys() const noexcept {
    return kChangeable;
}

void CompressGain::change(const Settings& settings) {
    change(read_compressor(settings, table_.channels));
}

void CompressGain::change(const CompressTable& table) {
    table_ = table;
    if (plan_) plan_->publish(make_plan());
}

std::unique_ptr<const dsp::CompressorPlan> CompressGain::make_plan() const {
    auto settings = table_.compressor;
    if (!table_.has_full_scale) {
        const auto& calibration = context_.stage.calibration;
        settings.full_scale_db_spl = calibration.input_full_scale_db_spl;
        settings.playback_full_scale_db_spl = calibration.output_full_scale_db_spl;
    }
    return std::make_unique<const dsp::CompressorPlan>(
        settings, context_.stage.channels,
        dsp::FrameFormat{.rate_hz = static_cast<double>(context_.stage.rate_hz),
                         .hop = context_.hop_frames,
                         .synthesis = context_.synthesis_frames,
                         .analysis_window = context_.analysis_window});
}

[[gnu::hot]] void CompressGain::process(const SpectralHop& hop) noexcept {
    compressor_->run(plan_->read(), hop.spectra, hop.gains);
}

}  // namespace sidetone::stage
