// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "dsp/limiter.hpp"
#include "rt/published.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

struct LimitSettings {
    dsp::LimiterSettings limiter;
    bool true_peak = false;   ///< look a millisecond ahead, and at what lies between samples
    double fade_in_ms = 500;  ///< safe start: from silence
};

/// Reads `mode`, `ceiling_dbfs`, `knee_db`, `release_ms` and `fade_in_ms`; the ceiling may be `highest_dbfs` at most.
/// Throws InputError.
[[nodiscard]] LimitSettings read_limit(const Settings& settings, double highest_dbfs = 0);

/// The last stage of a chain for the ear. Sound starts from silence, and no sample leaves beyond the ceiling, whatever
/// the stages before it do; what is not a number becomes silence. While sound runs the ceiling may come down, and go up
/// again to where it was at first, but no further.
class LimitStage final : public Stage, public Changeable {
public:
    explicit LimitStage(const LimitSettings& settings)
        : settings_(settings), highest_db_(settings.limiter.ceiling_db) {}

    [[nodiscard]] const char* kind() const noexcept override { return "limit"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override;

    [[nodiscard]] Changeable* changeable() noexcept override { return this; }
    [[nodiscard]] std::span<const std::string_view> changeable_keys() const noexcept override;
    void change(const Settings& settings) override;

private:
    void take_change() noexcept;
    void fade_in(const float* const* in, float* const* out, std::uint32_t frames) noexcept;

    LimitSettings settings_;
    double highest_db_;
    std::optional<rt::Published<dsp::LimiterSettings>> wanted_;
    const dsp::LimiterSettings* heard_ = nullptr;  // what the limiter was last set to
    std::uint32_t channels_ = 0;
    std::uint64_t fade_frames_ = 0, faded_ = 0;
    std::variant<std::monostate, dsp::SoftLimiter, dsp::TruePeakLimiter> limiter_;
};

}  // namespace sidetone::stage
