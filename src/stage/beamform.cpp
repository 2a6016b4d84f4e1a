// SPDX-License-Identifier: Apache-2.0
#include "stage/beamform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "rt/error.hpp"

namespace sidetone::stage {

void BeamformStage::prepare(const StageContext& context) {
    settings_.rate_hz = context.rate_hz;
    try {
        beamformer_.emplace(settings_);
    } catch (const std::invalid_argument&) {
        throw InputError(
            fmt::format("stage \"beamform\", key \"spacing_mm\": found {:g} at {} Hz, expected {:.3g} to {:.3g}",
                        1000 * settings_.spacing_m, context.rate_hz, 50 * dsp::kSpeedOfSoundMPerS / context.rate_hz,
                        std::min(100.0, 24'000 * dsp::kSpeedOfSoundMPerS / context.rate_hz)));
    }
}

void BeamformStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                            const BlockTime& /*time*/) noexcept {
    beamformer_->process(in[0], in[1], out[0], frames);
    std::copy_n(out[0], frames, out[1]);
}

std::uint32_t BeamformStage::delay_frames() const noexcept {
    return beamformer_ ? static_cast<std::uint32_t>(beamformer_->delay_frames()) : 0;
}

}  // namespace sidetone::stage
