// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "dsp/limiter.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

struct LimitSettings {
    dsp::LimiterSettings limiter;
    bool true_peak = false;   ///< look a millisecond ahead, and at what lies between samples
    double fade_in_ms = 500;  ///< safe start: from silence
};

/// The last stage of a chain for the ear. Sound starts from silence, and no sample leaves beyond the ceiling, whatever
/// the stages before it do; what is not a number becomes silence.
class LimitStage final : public Stage {
public:
    explicit LimitStage(const LimitSettings& settings) : settings_(settings) {}

    [[nodiscard]] const char* kind() const noexcept override { return "limit"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override;

private:
    void fade_in(const float* const* in, float* const* out, std::uint32_t frames) noexcept;

    LimitSettings settings_;
    std::uint32_t channels_ = 0;
    std::uint64_t fade_frames_ = 0, faded_ = 0;
    std::variant<std::monostate, dsp::SoftLimiter, dsp::TruePeakLimiter> limiter_;
};

}  // namespace sidetone::stage
