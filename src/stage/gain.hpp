// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "dsp/glide.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

/// Reads `gain_db`. Throws InputError.
[[nodiscard]] double read_gain_db(const Settings& settings);

/// Scales every channel by the same gain; fades in over the first 20 ms so that a start never clicks, and glides to
/// another gain.
class GainStage final : public Stage, public Changeable {
public:
    explicit GainStage(double gain_db) noexcept;

    [[nodiscard]] const char* kind() const noexcept override { return "gain"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;

    [[nodiscard]] Changeable* changeable() noexcept override { return this; }
    [[nodiscard]] std::span<const std::string_view> changeable_keys() const noexcept override;
    void change(const Settings& settings) override;

private:
    void process_moving(const float* const* in, float* const* out, std::uint32_t frames) noexcept;

    std::atomic<float> wanted_;  // linear
    dsp::Glide gain_;
    float step_ = 0;   // per frame, while fading in
    float faded_ = 0;  // share of the gain reached
    std::uint32_t channels_ = 0;
};

}  // namespace sidetone::stage
