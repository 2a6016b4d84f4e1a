// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/hop_model.hpp"
#include "stage/hop_feed.hpp"
#include "stage/model_placement.hpp"
#include "stage/spectral_gain.hpp"

namespace sidetone::stage {

/// Whose gains act on an ear.
enum class DenoiseEars : std::uint8_t {
    linked,  ///< one network's, which hears the mean of all channels: differences between the ears stay as they were
    independent,  ///< a network's of its own
};

struct DenoiseGainSettings {
    std::string model = "gtcrn";  ///< a name or its folder; its first graph makes gains, later ones scale them
    std::string backend = "auto";
    Mode mode = Mode::automatic;
    double direct_share = 0.5;  ///< as in DenoiseSettings
    double strength_db = 100;   ///< the most by which any bin is turned down; 100: no limit
    double wet = 1;             ///< share of the denoised sound; the rest is the sound as it came in
    DenoiseEars ears = DenoiseEars::linked;
    std::uint32_t copies = 2;  ///< of the model, taking turns: gains come so many times as often
    double inference_budget_us = 0;
};

/// A denoising model beside the signal: it sees the sound at its own rate and in its own frames, and its newest gains
/// act on whatever passes the filter bank meanwhile, so that the model's window delays nothing. A model that falls
/// behind is waited for with the last gains, which then go to unity.
class DenoiseGain final : public SpectralGain, public WorkSource, public Changeable, private HopRunner {
public:
    /// Loads the model. Throws InputError, also when its first graph makes no gains.
    DenoiseGain(DenoiseGainSettings settings, std::uint32_t channels);
    ~DenoiseGain() override;

    [[nodiscard]] const char* kind() const noexcept override { return "denoise"; }
    void prepare(const SpectralContext& context) override;
    void begin_block(std::uint32_t frames, const BlockTime& time) noexcept SIDETONE_REALTIME override;
    void process(const SpectralHop& hop) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] WorkSource* work() noexcept override { return mode_ == Mode::pipelined ? this : nullptr; }
    [[nodiscard]] std::vector<StagePart> parts() const override;
    [[nodiscard]] std::string decision() const override { return decision_; }
    [[nodiscard]] std::uint64_t misses() const noexcept override;

    [[nodiscard]] Changeable* changeable() noexcept override { return this; }
    [[nodiscard]] std::span<const std::string_view> changeable_keys() const noexcept override;
    void change(const Settings& settings) override;

    /// Worker thread.
    [[nodiscard]] bool run_next() noexcept SIDETONE_REALTIME override;
    void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME override;

private:
    class Live;  // all that depends on rate and block; made by `prepare`

    [[nodiscard]] StageContext heard_by_models(const StageContext& bank) const;
    [[nodiscard]] bool run_hop(std::int64_t hop, std::uint32_t channel, const float* window,
                               float* result) noexcept override;
    void rehearse_hop(std::int64_t hop, std::uint32_t channel, const rt::Rehearsal& rehearsal) noexcept override;
    [[nodiscard]] nn::HopModel& model_of(std::int64_t hop, std::uint32_t channel) noexcept;

    DenoiseGainSettings settings_;
    std::atomic<float> floor_;          // the lowest gain that the settings allow
    std::vector<nn::HopModel> models_;  // copies of channel 0, copies of channel 1 …; linked: of the mean
    Mode mode_ = Mode::direct;
    std::string decision_;
    std::optional<ModelCost> cost_;
    std::unique_ptr<Live> live_;
};

}  // namespace sidetone::stage
