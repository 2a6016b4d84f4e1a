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
#include "stage/miss_concealment.hpp"
#include "stage/model_placement.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

struct DenoiseSettings {
    std::string model = "dtln";  ///< a model's name, or the path of its folder
    std::string backend = "auto";
    Mode mode = Mode::automatic;
    double direct_share = 0.5;  ///< of a period that the model may take, at its p99.9, to be run in the callback
    double strength_db = 100;   ///< the most by which the model may attenuate; 100: no limit
    MissPolicy on_miss = MissPolicy::hold;
    double inference_budget_us = 0;  ///< for the ledger; 0: none
};

/// Runs a streaming enhancement model on every channel of the chain.
///
/// The card's frames reach the model by stage/hop_feed.hpp; a hop's result stays in its slot until it is mixed into the
/// ring that the second resampler reads. Hop, block and rates are independent of one another (stage/hop_timeline.hpp).
class DenoiseStage final : public Stage, public WorkSource, public Changeable, private HopRunner {
public:
    /// Loads the model once for every channel. Throws InputError.
    DenoiseStage(DenoiseSettings settings, std::uint32_t channels);
    ~DenoiseStage() override;

    [[nodiscard]] const char* kind() const noexcept override { return "denoise"; }
    void prepare(const StageContext& context) override;
    [[nodiscard]] float* const* claim_input(std::uint32_t frames) noexcept SIDETONE_REALTIME override;
    void process(const float* const* in, float* const* out, std::uint32_t frames,
                 const BlockTime& time) noexcept SIDETONE_REALTIME override;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override;
    [[nodiscard]] WorkSource* work() noexcept override;
    [[nodiscard]] std::vector<StagePart> parts() const override;
    [[nodiscard]] std::string decision() const override { return decision_; }
    [[nodiscard]] std::uint64_t misses() const noexcept override;

    [[nodiscard]] Changeable* changeable() noexcept override { return this; }
    [[nodiscard]] std::span<const std::string_view> changeable_keys() const noexcept override;
    void change(const Settings& settings) override;

    /// Worker thread.
    [[nodiscard]] bool run_next() noexcept SIDETONE_REALTIME override;
    void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME override;

    /// The mode `prepare` settled on.
    [[nodiscard]] Mode mode() const noexcept { return mode_; }

private:
    class Live;  // all that depends on rate and block; made by `prepare`

    [[nodiscard]] bool run_hop(std::int64_t hop, std::uint32_t channel, const float* window,
                               float* result) noexcept override;
    void rehearse_hop(std::int64_t hop, std::uint32_t channel, const rt::Rehearsal& rehearsal) noexcept override;

    DenoiseSettings settings_;
    std::atomic<float> dry_share_;  // of the sound as it came in, linear
    std::vector<nn::HopModel> models_;
    Mode mode_ = Mode::direct;
    std::string decision_;
    std::optional<ModelCost> cost_;  // from the paced warm-up
    std::unique_ptr<Live> live_;
};

}  // namespace sidetone::stage
