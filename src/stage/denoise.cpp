// SPDX-License-Identifier: Apache-2.0
#include "stage/denoise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "dsp/polyphase_resampler.hpp"
#include "nn/model_store.hpp"
#include "rt/clock.hpp"
#include "rt/guard.hpp"
#include "rt/mirrored_ring.hpp"
#include "rt/thread.hpp"
#include "stage/events.hpp"
#include "stage/hop_exchange.hpp"
#include "stage/hop_timeline.hpp"

namespace sidetone::stage {
namespace {

constexpr std::uint32_t kWarmUpHops = 64;
constexpr std::uint32_t kSettleHops = 4;  // the first runs fault pages in and let backends plan

float dry_share(double strength_db) {
    return strength_db >= 100 ? 0.0F : static_cast<float>(std::pow(10.0, -strength_db / 20));
}

}  // namespace

// Everything whose size depends on rate and block. Members are used by the audio thread but where marked.
class DenoiseStage::Live {
public:
    Live(DenoiseStage& stage, const StageContext& context);

    [[nodiscard]] float* const* claim_input(std::uint32_t frames) noexcept;
    void process(const float* const* in, float* const* out, std::uint32_t frames, const BlockTime& time) noexcept;
    [[nodiscard]] bool run_next() noexcept;  // worker, or the audio thread in direct mode

    [[nodiscard]] std::uint32_t delay_frames() const noexcept { return static_cast<std::uint32_t>(delay_); }

    rt::Histogram hand_off, inference, result_wait;
    std::atomic<std::uint64_t> misses{0};

private:
    [[nodiscard]] bool claim_through(std::int64_t model_end) noexcept;
    [[nodiscard]] bool is_claimed(std::int64_t hop) const noexcept { return hop < 0 || lost_[lost_index(hop)] == 0; }
    [[nodiscard]] std::size_t lost_index(std::int64_t hop) const noexcept {
        return static_cast<std::uint64_t>(hop) % lost_.size();
    }
    void accept(const float* const* in, std::uint32_t frames, const BlockTime& time) noexcept;
    void resample_in(std::uint32_t channel, std::int64_t first, std::size_t count, float* target) noexcept;
    [[nodiscard]] float* input_memory(std::uint32_t channel, std::int64_t position) noexcept;
    [[nodiscard]] const float* dry(std::uint32_t channel, std::int64_t position) noexcept;
    void complete_hop(std::int64_t hop, const BlockTime& time) noexcept;
    void finish_hops_through(std::int64_t hop) noexcept;
    void finish_hop(std::int64_t hop) noexcept;
    void report_miss(std::int64_t hop) noexcept;
    void expect_hop(std::int64_t hop, std::uint32_t frames, const BlockTime& time) noexcept;
    [[nodiscard]] float* finished(std::uint32_t channel, std::int64_t position) noexcept;
    void record(EventKind kind, std::int64_t a, std::int64_t b = 0, std::int64_t c = 0) noexcept;

    DenoiseStage& stage_;
    StageContext context_;
    dsp::PolyphaseResampler down_, up_;
    bool same_rate_;
    std::int64_t hop_, model_delay_;
    HopTimeline timeline_;
    std::int64_t delay_;
    rt::Arena arena_;
    HopExchange exchange_;
    std::vector<rt::MirroredRing> card_;      // per channel: input at the card's rate, the resampler's history
    std::vector<rt::MirroredRing> spare_;     // per channel: hops that were lost to the model, for the ear
    std::vector<rt::MirroredRing> finished_;  // per channel: rendered hops, what the second resampler reads
    std::vector<MissConcealment> concealment_;
    std::vector<float> dry_;      // one hop put together from both
    std::vector<float> scratch_;  // input that could not be claimed in the ring
    std::vector<float*> claimed_, scratch_pointers_;
    std::span<std::uint8_t> lost_;  // per slot: this hop's samples were not taken

    std::int64_t frames_in_ = 0, frames_out_ = 0;
    std::int64_t samples_in_ = 0;               // at the model's rate
    std::int64_t claimed_hops_ = 0;             // every hop below this has been claimed, or marked lost
    std::int64_t predecessor_finished_ns_ = 0;  // the model's, of the last usable hop
    std::int64_t next_to_finish_ = 0;
    std::int64_t stale_until_ = 0;  // windows of hops below this hold samples that were never taken
    double submit_offset_ns_ = 0;   // how long after a block is due its hop is submitted, smoothed
};

namespace {

std::vector<rt::MirroredRing> rings(std::uint32_t channels, std::size_t samples) {
    std::vector<rt::MirroredRing> result;
    for (std::uint32_t c = 0; c < channels; ++c) result.emplace_back(samples);
    return result;
}

std::uint32_t hops_per_block(const StageContext& context, const nn::HopModel& model) {
    const auto samples = std::uint64_t{context.max_block_frames} * model.sample_rate_hz() / context.rate_hz + 2;
    return static_cast<std::uint32_t>(samples / model.hop() + 1);
}

HopExchange::Shape exchange_shape(const StageContext& context, const nn::HopModel& model) {
    return {.channels = context.channels,
            .hop = model.hop(),
            .window = model.length(),
            .hops_per_block = hops_per_block(context, model)};
}

std::int64_t stage_delay(const HopTimeline& timeline, const StageContext& context, Mode mode) {
    if (context.offline) return timeline.delay_frames(0, 0);
    const auto block = context.fixed_block ? context.block_frames : 0;
    return timeline.delay_frames(block, mode == Mode::pipelined ? context.max_block_frames : 0);
}

}  // namespace

DenoiseStage::Live::Live(DenoiseStage& stage, const StageContext& context)
    : stage_(stage),
      context_(context),
      down_(context.rate_hz, stage.models_.front().sample_rate_hz()),
      up_(stage.models_.front().sample_rate_hz(), context.rate_hz),
      same_rate_(context.rate_hz == stage.models_.front().sample_rate_hz()),
      hop_(stage.models_.front().hop()),
      model_delay_(stage.models_.front().delay()),
      timeline_(down_, up_, stage.models_.front().hop(), stage.models_.front().delay()),
      delay_(stage_delay(timeline_, context, stage.mode_)),
      arena_(HopExchange::arena_bytes(exchange_shape(context, stage.models_.front())) + 65536),
      exchange_(arena_, exchange_shape(context, stage.models_.front())),
      card_(rings(context.channels, 4 * std::size_t{down_.half()} + 2 * std::size_t{context.max_block_frames})),
      spare_(rings(context.channels, exchange_.slots() * static_cast<std::size_t>(hop_))),
      finished_(rings(context.channels,
                      4 * std::size_t{up_.half()} + 2 * exchange_.slots() * static_cast<std::size_t>(hop_))),
      dry_(static_cast<std::size_t>(hop_)),
      scratch_(std::size_t{context.channels} * context.max_block_frames),
      claimed_(context.channels),
      lost_(arena_.allocate<std::uint8_t>(exchange_.slots())) {
    const MissConcealment::Settings concealment{.policy = stage.settings_.on_miss,
                                                .dry_share = dry_share(stage.settings_.strength_db),
                                                .rate_hz = stage.models_.front().sample_rate_hz()};
    concealment_.assign(context.channels, MissConcealment{concealment});
    for (std::uint32_t c = 0; c < context.channels; ++c) {
        scratch_pointers_.push_back(scratch_.data() + std::size_t{c} * context.max_block_frames);
    }
}

float* const* DenoiseStage::Live::claim_input(std::uint32_t frames) noexcept {
    if (!same_rate_) {
        for (std::uint32_t c = 0; c < context_.channels; ++c)
            claimed_[c] = card_[c].at(static_cast<std::uint64_t>(frames_in_));
        return claimed_.data();
    }
    // Equal rates: the card's samples land in the model's window itself, unless some of it is still in use.
    if (!claim_through(samples_in_ + frames)) return scratch_pointers_.data();
    for (std::uint32_t c = 0; c < context_.channels; ++c) claimed_[c] = exchange_.input(c, samples_in_);
    return claimed_.data();
}

// Claims every hop that samples below `model_end` touch; those that cannot be had are marked lost.
bool DenoiseStage::Live::claim_through(std::int64_t model_end) noexcept {
    bool all = true;
    for (; claimed_hops_ * hop_ < model_end; ++claimed_hops_) {
        const bool claimed = exchange_.claim(claimed_hops_);
        lost_[lost_index(claimed_hops_)] = claimed ? 0 : 1;
        all = all && claimed;
    }
    return all && is_claimed(samples_in_ / hop_);
}

void DenoiseStage::Live::process(const float* const* in, float* const* out, std::uint32_t frames,
                                 const BlockTime& time) noexcept {
    accept(in, frames, time);
    const auto first = frames_out_ - delay_;
    finish_hops_through(timeline_.hop_for_output(first + frames - 1));
    for (std::uint32_t c = 0; c < context_.channels; ++c) {
        if (same_rate_) {
            std::copy_n(finished(c, first + model_delay_), frames, out[c]);
        } else {
            const auto oldest = up_.oldest_input(first);
            up_.compute(finished(c, oldest + model_delay_), oldest, first, frames, out[c]);
        }
    }
    frames_out_ += frames;
    exchange_.reclaim_late(next_to_finish_);
}

void DenoiseStage::Live::accept(const float* const* in, std::uint32_t frames, const BlockTime& time) noexcept {
    if (!same_rate_) {
        for (std::uint32_t c = 0; c < context_.channels; ++c) {
            auto* target = card_[c].at(static_cast<std::uint64_t>(frames_in_));
            if (in[c] != target) std::copy_n(in[c], frames, target);  // only when another stage could not write here
        }
    }
    frames_in_ += frames;
    const auto ready = same_rate_ ? frames_in_ : down_.outputs_ready(frames_in_);
    (void)claim_through(ready);
    expect_hop(ready / hop_, frames, time);
    const auto block_start = samples_in_;
    while (samples_in_ < ready) {
        const auto hop = samples_in_ / hop_;
        const auto count = std::min(ready - samples_in_, hop_ - samples_in_ % hop_);
        for (std::uint32_t c = 0; c < context_.channels; ++c) {
            auto* target = input_memory(c, samples_in_);
            if (!same_rate_) {
                resample_in(c, samples_in_, static_cast<std::size_t>(count), target);
            } else if (in[c] != claimed_[c]) {
                std::copy_n(in[c] + (samples_in_ - block_start), count, target);
            }
        }
        samples_in_ += count;
        if (samples_in_ % hop_ == 0) complete_hop(hop, time);
    }
}

// Where the samples of the hop at `position` go: to the model, or, when the worker still has that memory, aside.
float* DenoiseStage::Live::input_memory(std::uint32_t channel, std::int64_t position) noexcept {
    return is_claimed(position / hop_) ? exchange_.input(channel, position)
                                       : spare_[channel].at(static_cast<std::uint64_t>(position));
}

void DenoiseStage::Live::resample_in(std::uint32_t channel, std::int64_t first, std::size_t count,
                                     float* target) noexcept {
    const auto oldest = down_.oldest_input(first);
    // Frames before the start are silence: the ring is zero there until it has come round.
    const auto& ring = card_[channel];
    const auto* in = ring.at(static_cast<std::uint64_t>(oldest + static_cast<std::int64_t>(ring.capacity())));
    down_.compute(in, oldest, first, count, target);
}

// One hop of the input from `position` on, as it came in. It lies in one piece unless a hop was lost just there.
const float* DenoiseStage::Live::dry(std::uint32_t channel, std::int64_t position) noexcept {
    const auto last_hop = (position + hop_ - 1) / hop_;
    if (position < 0 || (is_claimed(position / hop_) && is_claimed(last_hop)))
        return exchange_.input(channel, position);
    const auto boundary = std::min(position + hop_, (position / hop_ + 1) * hop_);
    const auto first = static_cast<std::size_t>(boundary - position);
    std::copy_n(input_memory(channel, position), first, dry_.begin());
    std::copy_n(input_memory(channel, boundary), static_cast<std::size_t>(hop_) - first,
                dry_.begin() + static_cast<std::ptrdiff_t>(first));
    return dry_.data();
}

void DenoiseStage::Live::complete_hop(std::int64_t hop, const BlockTime& time) noexcept {
    if (!is_claimed(hop)) {
        stale_until_ = hop + 1 + (model_delay_ + hop_ - 1) / hop_;
        record(EventKind::hop_dropped, hop);
        return;
    }
    const auto now = rt::now_ns();
    exchange_.submit(hop, time.due_ns, now);
    submit_offset_ns_ += 0.1 * (static_cast<double>(now - time.due_ns) - submit_offset_ns_);
    if (stage_.mode_ == Mode::pipelined && context_.waiter != nullptr) {
        (void)context_.waiter->notify();
    } else {
        (void)run_next();
    }
}

bool DenoiseStage::Live::run_next() noexcept {
    std::int64_t hop = 0;
    if (!exchange_.next(hop)) return false;
    const auto started = rt::now_ns();
    bool good = true;
    for (std::uint32_t c = 0; c < context_.channels; ++c) {
        good = stage_.models_[c].process(exchange_.window(c, hop), exchange_.result_memory(c, hop)) && good;
    }
    exchange_.finish(hop, good, started, rt::now_ns());
    return true;
}

void DenoiseStage::Live::finish_hops_through(std::int64_t hop) noexcept {
    for (; next_to_finish_ <= hop; ++next_to_finish_) finish_hop(next_to_finish_);
    exchange_.abandon_before(next_to_finish_);
}

void DenoiseStage::Live::finish_hop(std::int64_t hop) noexcept {
    const bool usable = hop >= stale_until_ && is_claimed(hop) && exchange_.take_result(hop);
    if (usable) {
        const auto& stamps = exchange_.stamps(hop);
        // A hop needs the state that its predecessor leaves: until that is there, it queues and is not handed off.
        hand_off.record(stamps.started_ns - std::max(stamps.submitted_ns, predecessor_finished_ns_));
        predecessor_finished_ns_ = stamps.finished_ns;
        inference.record(stamps.finished_ns - stamps.started_ns);
    } else {
        report_miss(hop);
    }
    const auto position = hop * hop_;
    const auto count = static_cast<std::uint32_t>(hop_);
    for (std::uint32_t c = 0; c < context_.channels; ++c) {
        concealment_[c].render(usable ? exchange_.result(c, hop) : nullptr, dry(c, position - model_delay_),
                               finished(c, position - hop_), finished(c, position), count);
    }
    if (usable) exchange_.release(hop);
}

void DenoiseStage::Live::report_miss(std::int64_t hop) noexcept {
    misses.fetch_add(1, std::memory_order_relaxed);
    if (hop < stale_until_ || !is_claimed(hop)) return;  // already told, as a dropped hop
    if (exchange_.failed(hop)) {
        record(EventKind::model_failed, hop);
        return;
    }
    const auto& stamps = exchange_.stamps(hop);
    record(EventKind::hop_late, hop, stamps.submitted_ns - stamps.due_ns, rt::now_ns() - stamps.submitted_ns);
}

// Tells the worker when `hop`, the first that this block does not complete, will be there; before it is woken for those
// that are.
void DenoiseStage::Live::expect_hop(std::int64_t hop, std::uint32_t frames, const BlockTime& time) noexcept {
    if (stage_.mode_ != Mode::pipelined || context_.waiter == nullptr) return;
    const auto missing = timeline_.frames_for_hop(hop) - frames_in_;
    const auto blocks = (missing + frames - 1) / frames;
    const auto period = time.period_ns * frames / context_.block_frames;
    context_.waiter->expect(time.due_monotonic_ns +
                            static_cast<std::int64_t>(static_cast<double>(blocks) * period + submit_offset_ns_));
}

float* DenoiseStage::Live::finished(std::uint32_t channel, std::int64_t position) noexcept {
    auto& ring = finished_[channel];
    return ring.at(static_cast<std::uint64_t>(position + 2 * static_cast<std::int64_t>(ring.capacity())));
}

void DenoiseStage::Live::record(EventKind kind, std::int64_t a, std::int64_t b, std::int64_t c) noexcept {
    if (context_.audio_events == nullptr) return;
    context_.audio_events->record({.at_ns = rt::now_ns(),
                                   .kind = static_cast<std::uint32_t>(kind),
                                   .stage = context_.index,
                                   .values = {a, b, c}});
}

// ── the stage ───────────────────────────────────────────────────────────────────────────────────

DenoiseStage::DenoiseStage(DenoiseSettings settings, std::uint32_t channels)
    : settings_(std::move(settings)), channels_(channels) {
    const auto manifest = nn::find_model(settings_.model);
    models_.reserve(channels);
    for (std::uint32_t c = 0; c < channels; ++c) models_.emplace_back(manifest, settings_.backend);
}

DenoiseStage::~DenoiseStage() = default;

void DenoiseStage::prepare(const StageContext& context) {
    decide_mode(context);
    live_.reset();
    for (auto& model : models_) model.reset();
    live_ = std::make_unique<Live>(*this, context);
}

// Runs the model on silence-like noise at its own pace, on a thread such as it will run on.
void DenoiseStage::measure_model() {
    auto& model = models_.front();
    std::vector<float> window(model.length()), out(model.hop());
    std::uint32_t random = 1;
    for (auto& sample : window) {
        random = random * 1664525U + 1013904223U;
        sample = (static_cast<float>(random >> 8U) / 16777216.0F - 0.5F) * 0.02F;
    }
    const auto period_ns = static_cast<std::int64_t>(1e9 * model.hop() / model.sample_rate_hz());
    const auto before = rt::realtime_counts(rt::RealtimeKind::worker);
    std::int64_t worst = 0;
    rt::ThreadSettings settings;
    settings.name = "st-warm-up";
    rt::RealtimeThread thread{
        settings, [&] {
            auto due = rt::monotonic_ns();
            for (std::uint32_t i = 0; i < kSettleHops; ++i) (void)model.process(window.data(), out.data());
            for (std::uint32_t i = 0; i < kWarmUpHops; ++i) {
                rt::sleep_until_monotonic(due += period_ns);
                const auto pressure = rt::thread_pressure(rt::this_thread_kernel_id()).involuntary_switches;
                const auto stolen = rt::stolen_ns();
                std::int64_t took = 0;
                {
                    const rt::RealtimeScope scope{rt::RealtimeKind::worker};
                    const auto start = rt::now_ns();
                    (void)model.process(window.data(), out.data());
                    took = rt::now_ns() - start;
                }
                // A run that lost its processor says nothing about the model.
                if (rt::thread_pressure(rt::this_thread_kernel_id()).involuntary_switches != pressure) continue;
                if (rt::stolen_ns() != stolen) continue;
                worst = std::max(worst, took);
            }
        }};
    thread.join();
    measured_worst_us_ = std::max(1.0, static_cast<double>(worst) / 1000);
    measured_heap_calls_ = rt::realtime_counts(rt::RealtimeKind::worker).heap_calls - before.heap_calls;
    model.reset();
}

void DenoiseStage::decide_mode(const StageContext& context) {
    const auto& model = models_.front();
    const auto chosen = [&](Mode mode, const std::string& why) {
        mode_ = mode;
        const auto& refusal = model.backend_refusal();
        decision_ = fmt::format("{} ({}{}{}) runs {}: {}", settings_.model, model.backend(),
                                refusal.empty() ? "" : "; ", refusal, to_string(mode), why);
    };
    if (context.offline) return chosen(Mode::direct, "no card waits for it");
    if (settings_.mode != Mode::automatic) return chosen(settings_.mode, "as the chain file asks");
    if (measured_worst_us_ == 0) measure_model();
    const double period_us = 1e6 * context.block_frames / context.rate_hz;
    const double cost_us = measured_worst_us_ * channels_ * std::max(1U, hops_per_block(context, model) - 1);
    const auto cost = fmt::format("the slowest of {} paced runs took {:.0f} us, {:.0f} % of the {:.0f} us period",
                                  kWarmUpHops, cost_us, 100 * cost_us / period_us, period_us);
    if (cost_us > settings_.direct_share * period_us) {
        return chosen(Mode::pipelined,
                      fmt::format("{} (direct needs <= {:.0f} %)", cost, 100 * settings_.direct_share));
    }
    if (!model.is_realtime_safe()) {
        const auto counted = measured_heap_calls_ > 0
                                 ? fmt::format(" (it made {} heap calls a run)", measured_heap_calls_ / kWarmUpHops)
                                 : std::string{};
        return chosen(Mode::pipelined, fmt::format("the backend is not real-time safe{}", counted));
    }
    chosen(Mode::direct, cost);
}

float* const* DenoiseStage::claim_input(std::uint32_t frames) noexcept {
    return live_->claim_input(frames);
}

void DenoiseStage::process(const float* const* in, float* const* out, std::uint32_t frames,
                           const BlockTime& time) noexcept {
    live_->process(in, out, frames, time);
}

std::uint32_t DenoiseStage::delay_frames() const noexcept {
    return live_ ? live_->delay_frames() : 0;
}

WorkSource* DenoiseStage::work() noexcept {
    return mode_ == Mode::pipelined ? this : nullptr;
}

bool DenoiseStage::run_next() noexcept {
    return live_->run_next();
}

std::vector<StagePart> DenoiseStage::parts() const {
    if (!live_) return {};
    return {{"hand-off", &live_->hand_off, 0}, {"inference", &live_->inference, settings_.inference_budget_us}};
}

std::uint64_t DenoiseStage::misses() const noexcept {
    return live_ ? live_->misses.load(std::memory_order_relaxed) : 0;
}

}  // namespace sidetone::stage
