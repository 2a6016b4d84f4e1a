// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "cli/transport_pipeline.hpp"
#include "cli/transport_stream.hpp"
#include "rt/arena.hpp"
#include "rt/single_writer_single_reader_ring.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli::transport {

/// How libraries for neural audio do it: samples pass one by one through lock-free rings, so that the audio thread
/// never waits, and a worker looks every 100 us whether some have come.
class PollingPipeline final : public Pipeline {
public:
    PollingPipeline(const nn::Manifest& manifest, std::uint32_t rate_hz) : stream_(manifest, rate_hz) {}
    ~PollingPipeline() override { PollingPipeline::stop(); }

    [[nodiscard]] const char* name() const noexcept override { return "polling"; }
    void start(const device::CardFormat& format, Figures& figures) override;
    void stop() noexcept override;
    void before_block(const device::CardBlock& block) noexcept override;
    bool process(const device::CardBlock& block) noexcept override;
    void after_block() noexcept override { copy_times_.record_to(*figures_); }
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return stream_.delay_frames(); }
    [[nodiscard]] std::uint64_t misses() const noexcept override { return misses_; }
    [[nodiscard]] int worker_id() const noexcept override { return thread_.kernel_id(); }
    void wait_until_idle() noexcept override;

private:
    using Ring = rt::SingleWriterSingleReaderRing<float>;
    static constexpr std::size_t kRingFrames = std::size_t{1} << 16U;
    static constexpr std::size_t kBlocksRemembered = 4096;  // more than the ring holds, at 16 frames a block

    struct BlockStamps {
        std::atomic<std::int64_t> due_ns{0}, queued_ns{0};
    };
    [[nodiscard]] BlockStamps& stamps_of(std::int64_t block) noexcept {
        return stamps_[static_cast<std::uint64_t>(block) % kBlocksRemembered];
    }

    void put(const device::CardBlock& block) noexcept;
    void take(const device::CardBlock& block) noexcept;
    void work();
    [[nodiscard]] bool poll();
    void deliver(const std::vector<float>& frames) noexcept;

    HopStream stream_;
    Figures* figures_ = nullptr;
    std::vector<float> converted_;  // audio thread
    BlockCopyTimes copy_times_;     // audio thread
    std::int64_t blocks_in_ = 0;
    std::uint64_t misses_ = 0, owed_frames_ = 0;
    std::array<BlockStamps, kBlocksRemembered> stamps_;

    std::optional<rt::Arena> arena_;
    std::optional<Ring> input_, output_;
    std::vector<float> batch_;  // worker
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> frames_in_{0}, frames_done_{0};
    rt::RealtimeThread thread_;
};

}  // namespace sidetone::cli::transport
