// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "dsp/beamformer.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

/// Two microphones, the front one on the first channel and the back one on the second, listen to the front; what they
/// make together goes out on both channels.
class BeamformStage final : public Stage {
public:
    /// The rate comes with `prepare`.
    explicit BeamformStage(const dsp::BeamformerSettings& settings) : settings_(settings) {}

    [[nodiscard]] const char* kind() const noexcept override { return "beamform"; }
    /// Throws InputError for a rate that the spacing does not suit.
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override;

private:
    dsp::BeamformerSettings settings_;
    std::optional<dsp::Beamformer> beamformer_;
};

}  // namespace sidetone::stage
