// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "dsp/biquad.hpp"
#include "rt/published.hpp"
#include "stage/equaliser_settings.hpp"
#include "stage/spectral_gain.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

/// Parametric equaliser by biquads: no delay, and exactly the curve that was asked for.
class EqualiseStage final : public Stage, public Changeable {
public:
    explicit EqualiseStage(EqualiserSettings settings) : settings_(std::move(settings)) {}

    [[nodiscard]] const char* kind() const noexcept override { return "equalise"; }
    void prepare(const StageContext& context) override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;

    [[nodiscard]] Changeable* changeable() noexcept override { return this; }
    [[nodiscard]] std::span<const std::string_view> changeable_keys() const noexcept override;
    void change(const Settings& settings) override;
    /// Control thread, also while sound runs: glides there without a click.
    void change(const EqualiserSettings& settings);

private:
    using Biquads = std::vector<dsp::Biquad>;

    EqualiserSettings settings_;
    double rate_hz_ = 0;
    std::optional<rt::Published<Biquads>> wanted_;
    const Biquads* heard_ = nullptr;  // what the cascade was last set to
    std::optional<dsp::BiquadCascade> cascade_;
};

/// The same curve as gains of a filter bank: nothing to compute but one product, smoothed over what the bank can tell
/// apart.
class EqualiseGain final : public SpectralGain, public Changeable {
public:
    explicit EqualiseGain(EqualiserSettings settings) : settings_(std::move(settings)) {}

    [[nodiscard]] const char* kind() const noexcept override { return "equalise"; }
    void prepare(const SpectralContext& context) override;
    void process(const SpectralHop& hop) noexcept SIDETONE_REALTIME override;

    [[nodiscard]] Changeable* changeable() noexcept override { return this; }
    [[nodiscard]] std::span<const std::string_view> changeable_keys() const noexcept override;
    void change(const Settings& settings) override;
    /// Control thread, also while sound runs: glides there without a click.
    void change(const EqualiserSettings& settings);

private:
    using Gains = std::vector<float>;  // of each bin

    [[nodiscard]] Gains gains_of(const EqualiserSettings& settings) const;

    EqualiserSettings settings_;
    double bin_hz_ = 0, rate_hz_ = 0;
    std::uint32_t channels_ = 0;
    float glide_ = 1;  // share of the way that a hop goes
    std::optional<rt::Published<Gains>> wanted_;
    Gains gains_;
};

}  // namespace sidetone::stage
