// SPDX-License-Identifier: Apache-2.0
#include "stage/denoise_gain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "dsp/bin_map.hpp"
#include "dsp/glide.hpp"
#include "dsp/products.hpp"
#include "nn/model_store.hpp"
#include "rt/error.hpp"
#include "stage/denoise_settings.hpp"

namespace sidetone::stage {
namespace {

constexpr double kHoldSeconds = 0.040;  // a gain is still true after a few hops …
constexpr double kRampSeconds = 0.200;  // … and after this long nothing is known: unity

// What the model sees is flat up to here, as a share of its Nyquist frequency (dsp/polyphase_resampler.hpp); the band
// below that speaks for all that lies above.
constexpr double kBelievedShare = 0.85;
constexpr double kMeanBandShare = 0.2;

constexpr double kGlideSeconds = 0.005;  // time constant, to another strength
constexpr std::array<std::string_view, 2> kChangeable{"strength_db", "wet"};

// Of what the model's gain is a share of the way to unity from: gain = floor + (1 - floor) · model's gain.
float floor_of(const DenoiseGainSettings& settings) {
    const double lowest = settings.strength_db >= 100 ? 0 : std::pow(10, -settings.strength_db / 20);
    return static_cast<float>(1 - settings.wet + settings.wet * lowest);
}

}  // namespace

// Everything whose size depends on rate and block. Members are used by the audio thread.
class DenoiseGain::Live {
public:
    /// `heard`: the bank's context with as many channels as there are for the models.
    Live(DenoiseGain& link, const SpectralContext& context, const StageContext& heard);

    void begin_block(std::uint32_t frames, const BlockTime& time) noexcept;
    void process(const SpectralHop& hop) noexcept;

    HopFeed feed;

private:
    [[nodiscard]] const float* const* heard(const SpectralHop& hop) noexcept;
    [[nodiscard]] std::span<float> gains_of(std::uint32_t channel, std::vector<float>& all) const noexcept;
    void take_gains(std::int64_t hop) noexcept;
    void age() noexcept;
    void shape_gains() noexcept;

    const SpectralContext context_;
    std::uint32_t heard_;  // channels that the models hear: all, or one
    std::vector<float> mean_;
    std::array<const float*, 1> mean_pointer_{};
    bool waits_a_block_;
    dsp::BinMap map_;
    const std::atomic<float>& wanted_floor_;
    dsp::Glide floor_;
    std::vector<float> model_gains_;     // heard channels × bins
    std::vector<float> gains_;           // the same from the floor up: what acts now
    bool has_news_ = true;               // model_gains_ are not yet in gains_
    std::int64_t submitted_before_ = 0;  // hops that earlier blocks have completed
    std::int64_t next_to_take_ = 0;
    std::uint32_t held_ = 0;  // bank hops since the model's gains were due and did not come
    std::uint32_t hold_hops_, ramp_hops_;
    bool missing_ = false;
};

namespace {

std::uint32_t model_hop(const nn::HopModel& model, std::uint32_t copies) {
    return model.hop() / copies;
}

HopFeed::Shape feed_shape(const nn::HopModel& model, std::uint32_t copies, Mode mode) {
    return {.model_rate_hz = model.sample_rate_hz(),
            .hop = model_hop(model, copies),
            .window = model.length(),
            .result = model.bins(),
            .mode = mode};
}

dsp::BinMap bin_map(const nn::HopModel& model, const SpectralContext& context) {
    const double nyquist_hz = model.sample_rate_hz() / 2.0;
    const bool same_rate = model.sample_rate_hz() == context.stage.rate_hz;
    return {{.bins = model.bins(), .rate_hz = static_cast<double>(model.sample_rate_hz())},
            {.bins = context.bins, .rate_hz = static_cast<double>(context.stage.rate_hz)},
            (same_rate ? 1.0 : kBelievedShare) * nyquist_hz,
            kMeanBandShare * nyquist_hz};
}

std::uint32_t hops_in(double seconds, const SpectralContext& context) {
    return static_cast<std::uint32_t>(std::ceil(seconds * context.stage.rate_hz / context.hop_frames));
}

}  // namespace

DenoiseGain::Live::Live(DenoiseGain& link, const SpectralContext& context, const StageContext& heard)
    : feed(link, feed_shape(link.models_.front(), link.settings_.copies, link.mode_), heard),
      context_(context),
      heard_(heard.channels),
      mean_(context.hop_frames),
      mean_pointer_{mean_.data()},
      waits_a_block_(link.mode_ == Mode::pipelined),
      map_(bin_map(link.models_.front(), context)),
      wanted_floor_(link.floor_),
      floor_(wanted_floor_.load(std::memory_order_relaxed), kGlideSeconds,
             static_cast<double>(context.stage.rate_hz) / context.hop_frames),
      model_gains_(std::size_t{heard_} * context.bins, 1.0F),
      gains_(model_gains_),
      hold_hops_(hops_in(kHoldSeconds, context)),
      ramp_hops_(hops_in(kRampSeconds, context)) {}

void DenoiseGain::Live::begin_block(std::uint32_t frames, const BlockTime& time) noexcept {
    submitted_before_ = feed.completed();
    feed.expect_after(frames, frames, time);
}

void DenoiseGain::Live::process(const SpectralHop& hop) noexcept {
    feed.accept(heard(hop), context_.hop_frames, hop.time);
    const auto due = waits_a_block_ ? submitted_before_ : feed.completed();
    for (; next_to_take_ < due; ++next_to_take_) take_gains(next_to_take_);
    feed.reclaim();
    if (missing_) age();
    floor_.go_to(wanted_floor_.load(std::memory_order_relaxed));
    if (has_news_ || !floor_.is_still()) shape_gains();
    for (std::uint32_t c = 0; c < context_.stage.channels; ++c) {
        dsp::multiply(hop.gains[c], gains_of(c, gains_).data(), hop.gains[c], context_.bins);
    }
}

const float* const* DenoiseGain::Live::heard(const SpectralHop& hop) noexcept {
    if (heard_ == context_.stage.channels) return hop.samples;
    const float share = 1.0F / static_cast<float>(context_.stage.channels);
    std::fill(mean_.begin(), mean_.end(), 0.0F);
    for (std::uint32_t c = 0; c < context_.stage.channels; ++c)
        dsp::add_samples(hop.samples[c], mean_.data(), mean_.size());
    for (auto& sample : mean_) sample *= share;
    return mean_pointer_.data();
}

// The row of a channel: its own, or the only one.
std::span<float> DenoiseGain::Live::gains_of(std::uint32_t channel, std::vector<float>& all) const noexcept {
    return std::span{all}.subspan(std::size_t{std::min(channel, heard_ - 1)} * context_.bins, context_.bins);
}

void DenoiseGain::Live::take_gains(std::int64_t hop) noexcept {
    missing_ = !feed.take(hop);
    if (missing_) return;
    held_ = 0;
    has_news_ = true;
    for (std::uint32_t c = 0; c < heard_; ++c) map_.apply(feed.result(c, hop), gains_of(c, model_gains_).data());
    feed.release(hop);
}

// One hop of the bank further without news.
void DenoiseGain::Live::age() noexcept {
    held_ = std::min(held_ + 1, 1U << 30U);
    if (held_ <= hold_hops_) return;
    const float step = 1.0F / static_cast<float>(ramp_hops_);
    for (auto& gain : model_gains_) gain = std::min(1.0F, gain + step);
    has_news_ = true;
}

void DenoiseGain::Live::shape_gains() noexcept {
    const auto floor = static_cast<float>(floor_.next());
    const float span = 1 - floor;
    for (std::size_t k = 0; k < gains_.size(); ++k) gains_[k] = floor + span * model_gains_[k];
    has_news_ = false;
}

// ── the link ────────────────────────────────────────────────────────────────────────────────────

DenoiseGain::DenoiseGain(DenoiseGainSettings settings, std::uint32_t channels)
    : settings_(std::move(settings)), floor_(floor_of(settings_)) {
    const auto manifest = nn::find_model(settings_.model);
    const auto count = (settings_.ears == DenoiseEars::linked ? 1 : channels) * settings_.copies;
    models_.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) models_.emplace_back(manifest, settings_.backend);
    const auto path = (manifest.folder / "model.toml").string();
    if (!models_.front().has_gains()) {
        throw InputError{
            fmt::format("{}: the first graph makes a waveform, expected a mask or a spectrum, which "
                        "give gains (stage \"denoise\" takes this model)",
                        path)};
    }
    if (models_.front().hop() % settings_.copies != 0) {
        throw InputError{fmt::format("{}: key \"front_end.hop\": found {}, expected a multiple of the {} copies", path,
                                     models_.front().hop(), settings_.copies)};
    }
}

DenoiseGain::~DenoiseGain() = default;

StageContext DenoiseGain::heard_by_models(const StageContext& bank) const {
    auto heard = bank;
    if (settings_.ears == DenoiseEars::linked) heard.channels = 1;
    return heard;
}

void DenoiseGain::prepare(const SpectralContext& context) {
    const auto heard = heard_by_models(context.stage);
    const PlacementWish wish{.model = settings_.model, .mode = settings_.mode, .direct_share = settings_.direct_share};
    const auto hop = model_hop(models_.front(), settings_.copies);
    if (needs_cost(wish, heard) && !cost_) cost_ = measure_paced(models_.front(), hop, *this);
    auto placement = place(models_.front(), hop, wish, cost_.value_or(ModelCost{}), heard);
    mode_ = placement.mode;
    decision_ = std::move(placement.decision);
    live_.reset();
    for (auto& model : models_) model.reset();
    live_ = std::make_unique<Live>(*this, context, heard);
}

std::span<const std::string_view> DenoiseGain::changeable_keys() const noexcept {
    return kChangeable;
}

void DenoiseGain::change(const Settings& settings) {
    const auto wanted = read_denoise_gain(settings);
    settings_.strength_db = wanted.strength_db;
    settings_.wet = wanted.wet;
    floor_.store(floor_of(settings_), std::memory_order_relaxed);
}

bool DenoiseGain::run_hop(std::int64_t hop, std::uint32_t channel, const float* window, float* result) noexcept {
    return model_of(hop, channel).process_gains(window, result);
}

void DenoiseGain::rehearse_hop(std::int64_t hop, std::uint32_t channel, const rt::Rehearsal& rehearsal) noexcept {
    model_of(hop, channel).rehearse(rehearsal);
}

nn::HopModel& DenoiseGain::model_of(std::int64_t hop, std::uint32_t channel) noexcept {
    return models_[channel * settings_.copies + static_cast<std::size_t>(hop % settings_.copies)];
}

void DenoiseGain::begin_block(std::uint32_t frames, const BlockTime& time) noexcept {
    live_->begin_block(frames, time);
}

void DenoiseGain::process(const SpectralHop& hop) noexcept {
    live_->process(hop);
}

bool DenoiseGain::run_next() noexcept {
    return live_->feed.run_next();
}

void DenoiseGain::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    live_->feed.rehearse(rehearsal);
}

std::vector<StagePart> DenoiseGain::parts() const {
    return live_ ? live_->feed.parts(settings_.inference_budget_us) : std::vector<StagePart>{};
}

std::uint64_t DenoiseGain::misses() const noexcept {
    return live_ ? live_->feed.misses() : 0;
}

}  // namespace sidetone::stage
