// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <queue>
#include <vector>

#include "cli/transport_pipeline.hpp"
#include "cli/transport_stream.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli::transport {

/// What a competent programmer writes first: blocks are copied into a queue behind a mutex, a condition variable wakes
/// a worker, and its results come back through a second queue. Everything is a vector.
class NaivePipeline final : public Pipeline {
public:
    NaivePipeline(const nn::Manifest& manifest, std::uint32_t rate_hz) : stream_(manifest, rate_hz) {}
    ~NaivePipeline() override { NaivePipeline::stop(); }

    [[nodiscard]] const char* name() const noexcept override { return "naive"; }
    void start(const device::CardFormat& format, Figures& figures) override;
    void stop() noexcept override;
    bool process(const device::CardBlock& block) noexcept override;
    void after_block() noexcept override { copy_times_.record_to(*figures_); }
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return stream_.delay_frames(); }
    [[nodiscard]] std::uint64_t misses() const noexcept override { return misses_; }
    [[nodiscard]] int worker_id() const noexcept override { return thread_.kernel_id(); }
    void wait_until_idle() noexcept override;

private:
    struct InputBlock {
        std::vector<float> frames;
        std::int64_t due_ns = 0, queued_ns = 0;
    };

    void put(const device::CardBlock& block);
    [[nodiscard]] std::vector<float> take();
    void work();
    [[nodiscard]] bool wait_for_input(InputBlock& block);
    void run_hops(const InputBlock& block, std::int64_t begun_ns);
    void deliver(const std::vector<float>& frames);

    HopStream stream_;
    Figures* figures_ = nullptr;
    std::uint32_t block_frames_ = 0;
    std::vector<float> converted_;  // audio thread
    BlockCopyTimes copy_times_;     // audio thread
    std::uint64_t misses_ = 0, owed_blocks_ = 0;

    std::mutex input_mutex_, output_mutex_;
    std::condition_variable input_added_;
    std::queue<InputBlock> input_;
    std::queue<std::vector<float>> output_;
    bool stopping_ = false;
    std::vector<float> unfinished_block_;  // worker
    std::atomic<std::uint64_t> blocks_in_{0}, blocks_done_{0};
    rt::RealtimeThread thread_;
};

}  // namespace sidetone::cli::transport
