// SPDX-License-Identifier: Apache-2.0
#include "stage/hop_feed.hpp"

#include <algorithm>

#include "rt/clock.hpp"

namespace sidetone::stage {
namespace {

std::vector<rt::MirroredRing> rings(std::uint32_t channels, std::size_t samples) {
    std::vector<rt::MirroredRing> result;
    for (std::uint32_t c = 0; c < channels; ++c) result.emplace_back(samples);
    return result;
}

std::uint32_t most_samples_per_block(const StageContext& context, std::uint32_t model_rate_hz) {
    return static_cast<std::uint32_t>(std::uint64_t{context.max_block_frames} * model_rate_hz / context.rate_hz + 2);
}

// A rehearsal takes as much of the processor as a run. Where runs take less than this part of the period in which they
// have to be done, that buys nothing: a slow one is in time too. Runs that are rehearsed are shorter, hence the second.
constexpr double kRehearsedPart = 1.0 / 8, kStillRehearsedPart = 1.0 / 12;

HopExchange::Shape exchange_shape(const HopFeed::Shape& shape, const StageContext& context) {
    return {.channels = context.channels,
            .hop = shape.hop,
            .window = shape.window,
            .hops_per_block = most_hops_per_block(context, shape.model_rate_hz, shape.hop),
            .result = shape.result};
}

}  // namespace

std::uint32_t most_hops_per_block(const StageContext& context, std::uint32_t model_rate_hz, std::uint32_t hop) {
    return most_samples_per_block(context, model_rate_hz) / hop + 1;
}

HopFeed::HopFeed(HopRunner& runner, const Shape& shape, const StageContext& context)
    : runner_(runner),
      context_(context),
      mode_(shape.mode),
      down_(context.rate_hz, shape.model_rate_hz),
      same_rate_(context.rate_hz == shape.model_rate_hz),
      hop_(shape.hop),
      window_(shape.window),
      samples_per_block_(most_samples_per_block(context, shape.model_rate_hz)),
      arena_(HopExchange::arena_bytes(exchange_shape(shape, context)) + 65536),
      exchange_(arena_, exchange_shape(shape, context)),
      card_(rings(context.channels, 4 * std::size_t{down_.half()} + 2 * std::size_t{context.max_block_frames})),
      spare_(rings(context.channels, exchange_.slots() * shape.hop)),
      dry_(shape.hop),
      scratch_(std::size_t{context.channels} * context.max_block_frames),
      claimed_(context.channels),
      lost_(arena_.allocate<std::uint8_t>(exchange_.slots())) {
    for (std::uint32_t c = 0; c < context.channels; ++c) {
        scratch_pointers_.push_back(scratch_.data() + std::size_t{c} * context.max_block_frames);
    }
}

[[gnu::hot]] float* const* HopFeed::claim_input(std::uint32_t frames) noexcept {
    exchange_.prefetch_input(samples_in_, samples_per_block_);
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
[[gnu::hot]] bool HopFeed::claim_through(std::int64_t model_end) noexcept {
    bool all = true;
    for (; claimed_hops_ * hop_ < model_end; ++claimed_hops_) {
        const bool claimed = exchange_.claim(claimed_hops_);
        lost_[lost_index(claimed_hops_)] = claimed ? 0 : 1;
        all = all && claimed;
    }
    return all && is_claimed(samples_in_ / hop_);
}

[[gnu::hot]] void HopFeed::accept(const float* const* in, std::uint32_t frames, const BlockTime& time) noexcept {
    if (!same_rate_) {
        for (std::uint32_t c = 0; c < context_.channels; ++c) {
            auto* target = card_[c].at(static_cast<std::uint64_t>(frames_in_));
            if (in[c] != target) std::copy_n(in[c], frames, target);  // only when another stage could not write here
        }
    }
    frames_in_ += frames;
    const auto ready = same_rate_ ? frames_in_ : down_.outputs_ready(frames_in_);
    (void)claim_through(ready);
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
[[gnu::hot]] float* HopFeed::input_memory(std::uint32_t channel, std::int64_t position) noexcept {
    return is_claimed(position / hop_) ? exchange_.input(channel, position)
                                       : spare_[channel].at(static_cast<std::uint64_t>(position));
}

[[gnu::hot]] void HopFeed::resample_in(std::uint32_t channel, std::int64_t first, std::size_t count,
                                       float* target) noexcept {
    const auto oldest = down_.oldest_input(first);
    // Frames before the start are silence: the ring is zero there until it has come round.
    const auto& ring = card_[channel];
    const auto* in = ring.at(static_cast<std::uint64_t>(oldest + static_cast<std::int64_t>(ring.capacity())));
    down_.compute(in, oldest, first, count, target);
}

// It lies in one piece unless a hop was lost just there.
[[gnu::hot]] const float* HopFeed::dry(std::uint32_t channel, std::int64_t position) noexcept {
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

[[gnu::hot]] void HopFeed::complete_hop(std::int64_t hop, const BlockTime& time) noexcept {
    if (!is_claimed(hop)) {
        stale_until_ = hop + 1 + (window_ - hop_ + hop_ - 1) / hop_;
        record(EventKind::hop_dropped, hop);
        return;
    }
    const auto now = rt::now_ns();
    exchange_.submit(hop, time.due_ns, now);
    submit_offset_ns_ += 0.1 * (static_cast<double>(now - time.due_ns) - submit_offset_ns_);
    if (mode_ == Mode::pipelined && context_.waiter != nullptr) {
        (void)context_.waiter->notify();
    } else {
        (void)run_next();
    }
}

[[gnu::hot]] bool HopFeed::run_next() noexcept {
    std::int64_t hop = 0;
    if (!exchange_.next(hop)) return false;
    const auto started = rt::now_ns();
    bool good = true;
    for (std::uint32_t c = 0; c < context_.channels; ++c) {
        good = runner_.run_hop(hop, c, exchange_.window(c, hop), exchange_.result_memory(c, hop)) && good;
    }
    const auto finished = rt::now_ns();
    // A hop needs the state that its predecessor leaves: until that is there, it queues and is not handed off. Noted
    // before the slot is handed back.
    times_->hand_off.record(started - std::max(exchange_.stamps(hop).submitted_ns, times_->predecessor_finished_ns));
    times_->predecessor = hop;
    times_->predecessor_finished_ns = finished;
    times_->inference.record(finished - started);
    times_->smooth_run_ns += (static_cast<double>(finished - started) - times_->smooth_run_ns) / 16;
    exchange_.finish(hop, good);
    return true;
}

[[gnu::hot]] void HopFeed::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    const auto part = times_->is_rehearsed ? kStillRehearsedPart : kRehearsedPart;
    times_->is_rehearsed = times_->smooth_run_ns >= part * context_.period_ns();
    if (!times_->is_rehearsed) return;
    for (std::uint32_t c = 0; c < context_.channels && !rehearsal.is_over(); ++c)
        runner_.rehearse_hop(times_->predecessor + 1, c, rehearsal);
}

[[gnu::hot]] bool HopFeed::take(std::int64_t hop) noexcept {
    next_to_take_ = hop + 1;
    const bool usable = hop >= stale_until_ && is_claimed(hop) && exchange_.take_result(hop);
    if (!usable) report_miss(hop);
    exchange_.abandon_before(next_to_take_);
    return usable;
}

[[gnu::cold]] void HopFeed::report_miss(std::int64_t hop) noexcept {
    misses_.fetch_add(1, std::memory_order_relaxed);
    if (hop < stale_until_ || !is_claimed(hop)) return;  // already told, as a dropped hop
    if (exchange_.failed(hop)) {
        record(EventKind::model_failed, hop);
        return;
    }
    const auto& stamps = exchange_.stamps(hop);
    record(EventKind::hop_late, hop, stamps.submitted_ns - stamps.due_ns, rt::now_ns() - stamps.submitted_ns);
}

[[gnu::hot]] void HopFeed::expect_after(std::uint32_t frames, std::uint32_t block, const BlockTime& time) noexcept {
    if (mode_ != Mode::pipelined || context_.waiter == nullptr) return;
    const auto known = frames_in_ + frames;
    const auto hop = (same_rate_ ? known : down_.outputs_ready(known)) / hop_;
    const auto missing = down_.newest_input((hop + 1) * hop_ - 1) + 1 - known;
    const auto blocks = (missing + block - 1) / block;
    const auto period = time.period_ns * block / context_.block_frames;
    context_.waiter->expect(time.due_monotonic_ns +
                            static_cast<std::int64_t>(static_cast<double>(blocks) * period + submit_offset_ns_));
}

std::vector<StagePart> HopFeed::parts(double inference_budget_us) const {
    return {{"hand-off", &times_->hand_off, 0}, {"inference", &times_->inference, inference_budget_us}};
}

[[gnu::cold]] void HopFeed::record(EventKind kind, std::int64_t a, std::int64_t b, std::int64_t c) noexcept {
    if (context_.audio_events == nullptr) return;
    context_.audio_events->record({.at_ns = rt::now_ns(),
                                   .kind = static_cast<std::uint32_t>(kind),
                                   .stage = context_.index,
                                   .values = {a, b, c}});
}

}  // namespace sidetone::stage
