// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dsp/polyphase_resampler.hpp"
#include "rt/arena.hpp"
#include "rt/histogram.hpp"
#include "rt/mirrored_ring.hpp"
#include "rt/realtime.hpp"
#include "rt/rehearsal.hpp"
#include "stage/events.hpp"
#include "stage/hop_exchange.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

/// The most hops of a model that one block can complete.
[[nodiscard]] std::uint32_t most_hops_per_block(const StageContext& context, std::uint32_t model_rate_hz,
                                                std::uint32_t hop);

/// A model as a feed sees it. One thread at a time: the worker, or the audio thread where it runs direct.
class HopRunner {
public:
    virtual ~HopRunner() = default;
    /// `window`: the samples of `channel` that end with hop `hop`; `result`: as many values as the feed was shaped for.
    /// False when the model failed.
    [[nodiscard]] virtual bool run_hop(std::int64_t hop, std::uint32_t channel, const float* window,
                                       float* result) noexcept SIDETONE_REALTIME = 0;
    /// Goes through what `run_hop` of that hop will do (rt/rehearsal.hpp).
    virtual void rehearse_hop(std::int64_t hop, std::uint32_t channel,
                              const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME = 0;
};

/// Brings the card's frames to a model at the model's rate, hop by hop, and its results back: resamples straight into
/// the ring whose sliding window is the model's input, hands complete hops over by number, runs them here or leaves
/// them to the worker, and counts those that were late. Hops it cannot hand over are kept for the ear.
///
/// Members are the audio thread's but where marked.
class HopFeed {
public:
    struct Shape {
        std::uint32_t model_rate_hz = 0;
        std::uint32_t hop = 0, window = 0;  ///< samples at the model's rate
        std::uint32_t result = 0;           ///< values that a hop results in, a channel
        Mode mode = Mode::direct;           ///< direct or pipelined
    };

    /// Control thread. `runner` must outlive the feed.
    HopFeed(HopRunner& runner, const Shape& shape, const StageContext& context);

    /// Where `accept` would like its next `frames` frames to be, so that it need not copy them.
    [[nodiscard]] float* const* claim_input(std::uint32_t frames) noexcept SIDETONE_REALTIME;

    /// Takes the card's next frames; every hop that they complete is submitted, and has been run when the mode is
    /// direct.
    void accept(const float* const* in, std::uint32_t frames, const BlockTime& time) noexcept SIDETONE_REALTIME;

    /// Tells the worker when the first hop that the next `frames` frames do not complete will be there; a block has
    /// `block` frames. Before `accept` wakes it for those that are.
    void expect_after(std::uint32_t frames, std::uint32_t block, const BlockTime& time) noexcept SIDETONE_REALTIME;

    /// Hops submitted or lost so far.
    [[nodiscard]] std::int64_t completed() const noexcept SIDETONE_REALTIME { return samples_in_ / hop_; }

    /// Sends for the memory that `take(hop)` and reading its result will touch. Worth it some hundred instructions
    /// ahead.
    void prefetch(std::int64_t hop) noexcept SIDETONE_REALTIME { exchange_.prefetch_result(hop); }

    /// To be called for every hop in order, when its result is due. True: `result` may be read until `release`. False:
    /// it did not come in time, or was bad; that has been counted and told.
    [[nodiscard]] bool take(std::int64_t hop) noexcept SIDETONE_REALTIME;
    [[nodiscard]] const float* result(std::uint32_t channel, std::int64_t hop) const noexcept SIDETONE_REALTIME {
        return exchange_.result(channel, hop);
    }
    void release(std::int64_t hop) noexcept SIDETONE_REALTIME { exchange_.release(hop); }

    /// Gives up what `take` has passed.
    void reclaim() noexcept SIDETONE_REALTIME { exchange_.reclaim_late(next_to_take_); }

    /// One hop's worth of the input at the model's rate from sample `position` on, as it came in.
    [[nodiscard]] const float* dry(std::uint32_t channel, std::int64_t position) noexcept SIDETONE_REALTIME;

    /// Worker, or the audio thread in direct mode: runs the oldest hop that waits; false when none does.
    [[nodiscard]] bool run_next() noexcept SIDETONE_REALTIME;

    /// Worker: goes through the hop that comes next, where hops mostly take a noticeable part of the time that they
    /// have.
    void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME;

    /// Hops that can be under way at once.
    [[nodiscard]] std::size_t slots() const noexcept { return exchange_.slots(); }
    [[nodiscard]] const dsp::PolyphaseResampler& resampler() const noexcept { return down_; }

    /// Any thread.
    [[nodiscard]] std::uint64_t misses() const noexcept { return misses_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::vector<StagePart> parts(double inference_budget_us) const;

private:
    [[nodiscard]] bool claim_through(std::int64_t model_end) noexcept;
    [[nodiscard]] bool is_claimed(std::int64_t hop) const noexcept { return hop < 0 || lost_[lost_index(hop)] == 0; }
    [[nodiscard]] std::size_t lost_index(std::int64_t hop) const noexcept {
        return static_cast<std::uint64_t>(hop) % lost_.size();
    }
    void resample_in(std::uint32_t channel, std::int64_t first, std::size_t count, float* target) noexcept;
    [[nodiscard]] float* input_memory(std::uint32_t channel, std::int64_t position) noexcept;
    void complete_hop(std::int64_t hop, const BlockTime& time) noexcept;
    void report_miss(std::int64_t hop) noexcept;
    void record(EventKind kind, std::int64_t a, std::int64_t b = 0, std::int64_t c = 0) noexcept;

    HopRunner& runner_;
    StageContext context_;
    Mode mode_;
    dsp::PolyphaseResampler down_;
    bool same_rate_;
    std::int64_t hop_, window_;
    std::size_t samples_per_block_;  // at the model's rate, at most
    rt::Arena arena_;
    HopExchange exchange_;
    std::vector<rt::MirroredRing> card_;   // per channel: input at the card's rate, the resampler's history
    std::vector<rt::MirroredRing> spare_;  // per channel: hops that were lost to the model, for the ear
    std::vector<float> dry_;               // one hop put together from both
    std::vector<float> scratch_;           // input that could not be claimed in the ring
    std::vector<float*> claimed_, scratch_pointers_;
    std::span<std::uint8_t> lost_;  // per slot: this hop's samples were not taken

    std::int64_t frames_in_ = 0;
    std::int64_t samples_in_ = 0;    // at the model's rate
    std::int64_t claimed_hops_ = 0;  // every hop below this has been claimed, or marked lost
    std::int64_t next_to_take_ = 0;
    std::int64_t stale_until_ = 0;  // windows of hops below this hold samples that were never taken
    double submit_offset_ns_ = 0;   // how long after a block is due its hop is submitted, smoothed
    std::atomic<std::uint64_t> misses_{0};

    // Whoever runs the model. Histograms are large: apart, so that what the audio thread touches lies together.
    struct Times {
        std::int64_t predecessor = -1, predecessor_finished_ns = 0;
        double smooth_run_ns = 0;  // of the last runs, more or less
        bool is_rehearsed = false;
        rt::Histogram hand_off, inference;
    };
    const std::unique_ptr<Times> times_ = std::make_unique<Times>();
};

}  // namespace sidetone::stage
