// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "cli/transport_copies.hpp"
#include "device/card.hpp"
#include "rt/histogram.hpp"
#include "rt/realtime.hpp"

namespace sidetone::cli::transport {

/// What is known of one pipeline at one block size, over all its slices. docs/measuring.md says how each is measured.
struct Figures {
    std::atomic<bool> counting{false};  ///< nothing is recorded while it is false

    rt::Histogram input_copy, output_copy;           // audio thread: the card's samples in, and out again
    rt::Histogram callback, callback_without_model;  // audio thread
    rt::Histogram hand_off, wrap, inference;         // whoever runs the model; read when it has stopped
    rt::Histogram total;                             // due to the hop's result being there; as above
    CopyCount audio_copies, worker_copies;
};

/// How long the copies of the block in hand took: kept until nothing is timed any more, and only then recorded.
struct BlockCopyTimes {
    std::int64_t input_ns = 0, output_ns = 0;

    void record_to(Figures& figures) const noexcept {
        if (!figures.counting.load(std::memory_order_relaxed)) return;
        figures.input_copy.record(input_ns);
        figures.output_copy.record(output_ns);
    }
};

/// One way to bring blocks from the card to a model and back: what `bench transport` compares.
class Pipeline {
public:
    virtual ~Pipeline() = default;

    /// "naive", "polling", "pipelined", "direct".
    [[nodiscard]] virtual const char* name() const noexcept = 0;

    /// Control thread: begins from silence on a card of this format, with a worker where there is one. What is measured
    /// goes to `figures` while they count.
    virtual void start(const device::CardFormat& format, Figures& figures) = 0;
    /// Control thread, when no block comes any more.
    virtual void stop() noexcept = 0;

    /// Audio thread. True when the model ran in this very call.
    virtual bool process(const device::CardBlock& block) noexcept SIDETONE_REALTIME = 0;
    /// Audio thread, before and after each `process`, out of what is timed: for what only looks on. Called by whoever
    /// calls `process`.
    virtual void before_block(const device::CardBlock& /*block*/) noexcept {}
    virtual void after_block() noexcept {}
    /// Audio thread, between two blocks: `figures` begin to count now.
    virtual void begin_counting() noexcept {}

    /// Frames by which the output lags the input. After `start`.
    [[nodiscard]] virtual std::uint32_t delay_frames() const noexcept = 0;
    /// Results that were not there when the card wanted them, since `start`. Audio thread.
    [[nodiscard]] virtual std::uint64_t misses() const noexcept = 0;
    /// Kernel id of the worker, 0 without one.
    [[nodiscard]] virtual int worker_id() const noexcept = 0;

    /// Any thread, between two blocks: returns when the worker has done all that it was given.
    virtual void wait_until_idle() noexcept {}
};

/// The worker's priority, the same for every pipeline (that of engine::Engine).
inline constexpr int kWorkerPriority = 5;

}  // namespace sidetone::cli::transport
