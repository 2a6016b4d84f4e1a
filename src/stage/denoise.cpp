// SPDX-License-Identifier: Apache-2.0
#include "stage/denoise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "dsp/polyphase_resampler.hpp"
#include "nn/model_store.hpp"
#include "rt/mirrored_ring.hpp"
#include "stage/denoise_settings.hpp"
#include "stage/hop_feed.hpp"
#include "stage/hop_timeline.hpp"

namespace sidetone::stage {
namespace {

constexpr std::array<std::string_view, 1> kChangeable{"strength_db"};

float dry_share(double strength_db) {
    return strength_db >= 100 ? 0.0F : static_cast<float>(std::pow(10.0, -strength_db / 20));
}

}  // namespace

// Everything whose size depends on rate and block. Members are used by the audio thread.
class DenoiseStage::Live {
public:
    Live(DenoiseStage& stage, Mode mode, const StageContext& context);

    void process(const float* const* in, float* const* out, std::uint32_t frames, const BlockTime& time) noexcept;
    [[nodiscard]] std::uint32_t delay_frames() const noexcept { return static_cast<std::uint32_t>(delay_); }

    HopFeed feed;

private:
    void finish_hop(std::int64_t hop) noexcept;
    [[nodiscard]] float* finished(std::uint32_t channel, std::int64_t position) noexcept;

    const std::atomic<float>& dry_share_;
    std::uint32_t channels_;
    dsp::PolyphaseResampler up_;
    bool same_rate_;
    std::int64_t hop_, model_delay_;
    HopTimeline timeline_;
    std::int64_t delay_;
    std::vector<rt::MirroredRing> finished_;  // per channel: rendered hops, what the second resampler reads
    std::vector<MissConcealment> concealment_;
    std::int64_t frames_out_ = 0;
    std::int64_t next_to_finish_ = 0;
};

namespace {

HopFeed::Shape feed_shape(const nn::HopModel& model, Mode mode) {
    return {.model_rate_hz = model.sample_rate_hz(),
            .hop = model.hop(),
            .window = model.length(),
            .result = model.hop(),
            .mode = mode};
}

std::int64_t stage_delay(const HopTimeline& timeline, const StageContext& context, Mode mode) {
    if (context.offline) return timeline.delay_frames(0, 0);
    const auto block = context.fixed_block ? context.block_frames : 0;
    return timeline.delay_frames(block, mode == Mode::pipelined ? context.max_block_frames : 0);
}

}  // namespace

DenoiseStage::Live::Live(DenoiseStage& stage, Mode mode, const StageContext& context)
    : feed(stage, feed_shape(stage.models_.front(), mode), context),
      dry_share_(stage.dry_share_),
      channels_(context.channels),
      up_(stage.models_.front().sample_rate_hz(), context.rate_hz),
      same_rate_(context.rate_hz == stage.models_.front().sample_rate_hz()),
      hop_(stage.models_.front().hop()),
      model_delay_(stage.models_.front().delay()),
      timeline_(feed.resampler(), up_, stage.models_.front().hop(), stage.models_.front().delay()),
      delay_(stage_delay(timeline_, context, mode)) {
    const auto samples = 4 * std::size_t{up_.half()} + 2 * feed.slots() * static_cast<std::size_t>(hop_);
    for (std::uint32_t c = 0; c < channels_; ++c) finished_.emplace_back(samples);
    const MissConcealment::Settings concealment{.policy = stage.settings_.on_miss,
                                                .dry_share = dry_share_.load(std::memory_order_relaxed),
                                                .rate_hz = stage.models_.front().sample_rate_hz()};
    concealment_.assign(channels_, MissConcealment{concealment});
}

[[gnu::hot]] void DenoiseStage::Live::process(const float* const* in, float* const* out, std::uint32_t frames,
                                              const BlockTime& time) noexcept {
    const float wanted = dry_share_.load(std::memory_order_relaxed);
    for (auto& concealment : concealment_) concealment.go_to_dry_share(wanted);
    const auto first = frames_out_ - delay_;
    const auto last_hop = timeline_.hop_for_output(first + frames - 1);
    if (next_to_finish_ <= last_hop) feed.prefetch(next_to_finish_);
    feed.expect_after(frames, frames, time);
    feed.accept(in, frames, time);
    for (; next_to_finish_ <= last_hop; ++next_to_finish_) finish_hop(next_to_finish_);
    for (std::uint32_t c = 0; c < channels_; ++c) {
        if (same_rate_) {
            std::copy_n(finished(c, first + model_delay_), frames, out[c]);
        } else {
            const auto oldest = up_.oldest_input(first);
            up_.compute(finished(c, oldest + model_delay_), oldest, first, frames, out[c]);
        }
    }
    frames_out_ += frames;
    feed.reclaim();
}

[[gnu::hot]] void DenoiseStage::Live::finish_hop(std::int64_t hop) noexcept {
    const bool usable = feed.take(hop);
    const auto position = hop * hop_;
    const auto count = static_cast<std::uint32_t>(hop_);
    for (std::uint32_t c = 0; c < channels_; ++c) {
        concealment_[c].render(usable ? feed.result(c, hop) : nullptr, feed.dry(c, position - model_delay_),
                               finished(c, position - hop_), finished(c, position), count);
    }
    if (usable) feed.release(hop);
}

[[gnu::hot]] float* DenoiseStage::Live::finished(std::uint32_t channel, std::int64_t position) noexcept {
    auto& ring = finished_[channel];
    return ring.at(static_cast<std::uint64_t>(position + 2 * static_cast<std::int64_t>(ring.capacity())));
}

// ── the stage ───────────────────────────────────────────────────────────────────────────────────

DenoiseStage::DenoiseStage(DenoiseSettings settings, std::uint32_t channels)
    : settings_(std::move(settings)), dry_share_(dry_share(settings_.strength_db)) {
    const auto manifest = nn::find_model(settings_.model);
    models_.reserve(channels);
    for (std::uint32_t c = 0; c < channels; ++c) models_.emplace_back(manifest, settings_.backend);
}

DenoiseStage::~DenoiseStage() = default;

void DenoiseStage::prepare(const StageContext& context) {
    const PlacementWish wish{.model = settings_.model, .mode = settings_.mode, .direct_share = settings_.direct_share};
    if (needs_cost(wish, context) && !cost_) cost_ = measure_paced(models_.front(), models_.front().hop(), *this);
    auto placement = place(models_.front(), models_.front().hop(), wish, cost_.value_or(ModelCost{}), context);
    mode_ = placement.mode;
    decision_ = std::move(placement.decision);
    live_.reset();
    for (auto& model : models_) model.reset();
    live_ = std::make_unique<Live>(*this, mode_, context);
}

std::span<const std::string_view> DenoiseStage::changeable_keys() const noexcept {
    return kChangeable;
}

void DenoiseStage::change(const Settings& settings) {
    settings_.strength_db = read_denoise(settings).strength_db;
    dry_share_.store(dry_share(settings_.strength_db), std::memory_order_relaxed);
}

[[gnu::hot]] bool DenoiseStage::run_hop(std::int64_t /*hop*/, std::uint32_t channel, const float* window,
                                        float* result) noexcept {
    return models_[channel].process(window, result);
}

[[gnu::hot]] void DenoiseStage::rehearse_hop(std::int64_t /*hop*/, std::uint32_t channel,
                                             const rt::Rehearsal& rehearsal) noexcept {
    models_[channel].rehearse(rehearsal);
}

[[gnu::hot]] float* const* DenoiseStage::claim_input(std::uint32_t frames) noexcept {
    return live_->feed.claim_input(frames);
}

[[gnu::hot]] void DenoiseStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                                        const BlockTime& time) noexcept {
    live_->process(in, out, frames, time);
}

std::uint32_t DenoiseStage::delay_frames() const noexcept {
    return live_ ? live_->delay_frames() : 0;
}

WorkSource* DenoiseStage::work() noexcept {
    return mode_ == Mode::pipelined ? this : nullptr;
}

[[gnu::hot]] bool DenoiseStage::run_next() noexcept {
    return live_->feed.run_next();
}

[[gnu::hot]] void DenoiseStage::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    live_->feed.rehearse(rehearsal);
}

std::vector<StagePart> DenoiseStage::parts() const {
    return live_ ? live_->feed.parts(settings_.inference_budget_us) : std::vector<StagePart>{};
}

std::uint64_t DenoiseStage::misses() const noexcept {
    return live_ ? live_->feed.misses() : 0;
}

}  // namespace sidetone::stage
