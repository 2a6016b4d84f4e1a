// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "dsp/feedback_canceller.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

struct FeedbackCancellerSettings {
    double path_ms = 10;       ///< how much of the path is modelled
    double bulk_delay_ms = 0;  ///< the earliest that sound comes back; 0: after the largest block and a hop
};

/// Takes off what of the chain's own output comes back into the microphones; channel by channel, without delay. The
/// first stage of a chain, so that nothing changes between the path and its model.
class FeedbackCancellerStage final : public Stage {
public:
    explicit FeedbackCancellerStage(const FeedbackCancellerSettings& settings) : settings_(settings) {}

    [[nodiscard]] const char* kind() const noexcept override { return "cancel_feedback"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;
    void hear(const float* const* out, std::uint32_t frames) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] std::string decision() const override;

    /// How often a canceller went astray and began anew.
    [[nodiscard]] std::uint64_t divergences() const noexcept;

private:
    FeedbackCancellerSettings settings_;
    StageContext context_;
    std::size_t bulk_delay_frames_ = 0;
    std::vector<dsp::FeedbackCanceller> cancellers_;  // one for each channel
    std::uint64_t told_ = 0;
};

}  // namespace sidetone::stage
