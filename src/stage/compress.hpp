// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "dsp/compressor.hpp"
#include "rt/published.hpp"
#include "stage/compressor_settings.hpp"
#include "stage/spectral_gain.hpp"

namespace sidetone::stage {

/// Multiband compressor inside a filter bank; levels are those that the links before it leave.
class CompressGain final : public SpectralGain, public Changeable {
public:
    explicit CompressGain(CompressTable table) : table_(std::move(table)) {}

    [[nodiscard]] const char* kind() const noexcept override { return "compress"; }
    [[nodiscard]] bool needs_calibration() const noexcept override { return !table_.has_full_scale; }
    void prepare(const SpectralContext& context) override;
    void process(const SpectralHop& hop) noexcept SIDETONE_REALTIME override;

    [[nodiscard]] Changeable* changeable() noexcept override { return this; }
    [[nodiscard]] std::span<const std::string_view> changeable_keys() const noexcept override;
    void change(const Settings& settings) override;
    /// Control thread, also while sound runs: gains glide there without a click.
    void change(const CompressTable& table);

private:
    [[nodiscard]] std::unique_ptr<const dsp::CompressorPlan> make_plan() const;

    CompressTable table_;
    SpectralContext context_;
    std::optional<rt::Published<dsp::CompressorPlan>> plan_;
    std::optional<dsp::Compressor> compressor_;
};

}  // namespace sidetone::stage
