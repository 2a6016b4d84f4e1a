// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cli/transport_model.hpp"
#include "cli/transport_pipeline.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "stage/hop_timeline.hpp"

namespace sidetone::cli::transport {

/// Samples by their position on a time axis, in a vector that grows at its end and is cut at its beginning.
class History {
public:
    /// Begins with `silence` zeros before position 0.
    void reset(std::uint32_t silence);
    void append(const std::vector<float>& samples);
    /// Samples before `position` are needed no more.
    void forget_before(std::int64_t position);
    [[nodiscard]] const float* at(std::int64_t position) const { return samples_.data() + (position - start_); }
    [[nodiscard]] std::int64_t start() const noexcept { return start_; }
    [[nodiscard]] std::int64_t end() const noexcept { return start_ + static_cast<std::int64_t>(samples_.size()); }

private:
    std::vector<float> samples_;
    std::int64_t start_ = 0;
};

/// The worker's half of the naive and the polling pipeline: card frames in, finished card frames out, through vectors.
/// Same resamplers, same time axis and same network as the denoise stage, so that only the transport differs. Worker
/// thread, but for construction and `start`.
class HopStream {
public:
    /// Throws InputError.
    HopStream(const nn::Manifest& manifest, std::uint32_t rate_hz);

    /// Control thread: from silence, on blocks of so many frames.
    void start(std::uint32_t block_frames, Figures& figures);

    /// The least delay with which a result may be used one block after its hop was complete: as a pipelined stage has
    /// it.
    [[nodiscard]] std::uint32_t delay_frames() const noexcept { return delay_; }

    /// Takes frames in, and brings them to the model's rate.
    void push(const std::vector<float>& frames);

    /// A whole hop has come in and waits for the model.
    [[nodiscard]] bool hop_is_ready() const noexcept;

    /// Of the block that completed a hop: when it was due, when it was in the queue, when the worker turned to it.
    struct BlockTimes {
        std::int64_t due_ns = 0, queued_ns = 0, begun_ns = 0;
    };
    /// Runs the model on the oldest hop that is ready and returns the output frames that this determines.
    [[nodiscard]] std::vector<float> run_hop(const BlockTimes& times);
    /// The card finds the result of the last `run_hop` from now on.
    void note_delivered() noexcept;

    /// Index of the block that completes hop `hop`, when every block has the usual length.
    [[nodiscard]] std::int64_t completing_block(std::int64_t hop) const noexcept;
    [[nodiscard]] std::int64_t hops_done() const noexcept { return hops_done_; }

private:
    [[nodiscard]] std::vector<float> run_model();
    [[nodiscard]] std::vector<float> take_output();

    AllocatingModel model_;
    dsp::PolyphaseResampler down_, up_;
    std::int64_t hop_, window_, model_delay_;
    stage::HopTimeline timeline_;
    std::uint32_t block_frames_ = 0, delay_ = 0;
    Figures* figures_ = nullptr;

    History card_;      // at the card's rate
    History input_;     // at the model's rate
    History finished_;  // the model's hops, one after another; model_delay_ late
    std::int64_t hops_done_ = 0;
    std::int64_t frames_out_ = 0;
    std::int64_t due_ns_ = 0;  // of the block that completed the last hop run
    std::int64_t predecessor_finished_ns_ = 0;
    bool is_first_of_batch_ = true;  // no hop has been run since the last `push`
};

}  // namespace sidetone::cli::transport
