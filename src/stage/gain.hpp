// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stage/stage.hpp"

namespace sidetone::stage {

/// Scales every channel by a fixed gain; fades in over the first 20 ms so that a start never clicks.
class GainStage final : public Stage {
public:
    explicit GainStage(double gain_db) noexcept;

    [[nodiscard]] const char* kind() const noexcept override { return "gain"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;

private:
    float gain_;
    float step_ = 0;   // per frame, while fading in
    float faded_ = 0;  // share of the gain reached
    std::uint32_t channels_ = 0;
};

}  // namespace sidetone::stage
