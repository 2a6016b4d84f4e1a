// SPDX-License-Identifier: Apache-2.0
#include "stage/compress.hpp"

#include <memory>

namespace sidetone::stage {

void CompressGain::prepare(const SpectralContext& context) {
    context_ = context;
    plan_.emplace(make_plan());
    compressor_.emplace(context.stage.channels, context.bins);
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

void CompressGain::process(const SpectralHop& hop) noexcept {
    compressor_->run(plan_->read(), hop.spectra, hop.gains);
}

}  // namespace sidetone::stage
