// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_polling.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "dsp/sample_conversion.hpp"
#include "rt/clock.hpp"
#include "rt/guard.hpp"

namespace sidetone::cli::transport {
namespace {

constexpr auto kPollInterval = std::chrono::microseconds{100};

}  // namespace

void PollingPipeline::start(const device::CardFormat& format, Figures& figures) {
    stop();
    figures_ = &figures;
    stream_.start(format.block_frames, figures);
    converted_.assign(format.max_block_frames, 0.0F);
    blocks_in_ = 0;
    misses_ = owed_frames_ = 0;
    frames_in_ = frames_done_ = 0;
    arena_.emplace(2 * kRingFrames * sizeof(float) + 4 * rt::kCacheLine);
    input_.emplace(*arena_, kRingFrames);
    output_.emplace(*arena_, kRingFrames);
    batch_.reserve(kRingFrames);
    deliver(std::vector<float>(stream_.delay_frames(), 0.0F));
    stopping_ = false;
    rt::ThreadSettings settings;
    settings.name = "polling-worker";
    settings.priority = kWorkerPriority;
    thread_ = rt::RealtimeThread{settings, [this] { work(); }};
}

void PollingPipeline::stop() noexcept {
    stopping_ = true;
    thread_.join();
}

// ── audio thread ────────────────────────────────────────────────────────────────────────────────

void PollingPipeline::before_block(const device::CardBlock& block) noexcept {
    stamps_of(blocks_in_).due_ns.store(block.due_ns, std::memory_order_relaxed);
}

bool PollingPipeline::process(const device::CardBlock& block) noexcept {
    const auto started = rt::now_ns();
    put(block);
    const auto between = rt::now_ns();
    take(block);
    copy_times_ = {.input_ns = between - started, .output_ns = rt::now_ns() - between};
    return false;
}

void PollingPipeline::put(const device::CardBlock& block) noexcept {
    dsp::to_float(block.input, 0, 0, block.frames, converted_.data());
    auto& stamps = stamps_of(blocks_in_++);
    for (std::uint32_t i = 0; i + 1 < block.frames; ++i) (void)input_->try_push(converted_[i]);
    // The block is there with its last sample.
    stamps.queued_ns.store(rt::now_ns(), std::memory_order_relaxed);
    (void)input_->try_push(converted_[block.frames - 1]);
    count_copy(block.frames * sizeof(float));
    frames_in_.store(frames_in_.load(std::memory_order_relaxed) + block.frames, std::memory_order_relaxed);
}

// Silence when the worker is late; what it brings too late is thrown away, so that the delay stays.
void PollingPipeline::take(const device::CardBlock& block) noexcept {
    float late = 0;
    while (owed_frames_ > 0 && output_->try_pop(late)) --owed_frames_;
    std::uint32_t taken = 0;
    if (owed_frames_ == 0) {
        while (taken < block.frames && output_->try_pop(converted_[taken])) ++taken;
    }
    if (taken < block.frames) {
        std::fill(converted_.begin() + taken, converted_.begin() + block.frames, 0.0F);
        owed_frames_ += block.frames - taken;
        ++misses_;
    }
    count_copy(taken * sizeof(float));
    dsp::from_float(converted_.data(), block.output, 0, 0, block.frames);
}

// ── worker ──────────────────────────────────────────────────────────────────────────────────────

void PollingPipeline::work() {
    while (!stopping_.load(std::memory_order_relaxed)) {
        const rt::RealtimeScope scope{rt::RealtimeKind::worker};
        if (!poll()) std::this_thread::sleep_for(kPollInterval);
    }
}

bool PollingPipeline::poll() {
    float sample = 0;
    if (!input_->try_pop(sample)) return false;
    HopStream::BlockTimes times{.begun_ns = rt::now_ns()};
    const bool counting = figures_->counting.load(std::memory_order_relaxed);
    const CopyScope copies{counting ? &figures_->worker_copies : nullptr};
    batch_.clear();
    do batch_.push_back(sample);
    while (input_->try_pop(sample));
    count_copy(batch_.size() * sizeof(float));
    stream_.push(batch_);
    while (stream_.hop_is_ready()) {
        const auto& stamps = stamps_of(stream_.completing_block(stream_.hops_done()));
        times.due_ns = stamps.due_ns.load(std::memory_order_relaxed);
        times.queued_ns = stamps.queued_ns.load(std::memory_order_relaxed);
        deliver(stream_.run_hop(times));
        stream_.note_delivered();
    }
    frames_done_.fetch_add(batch_.size(), std::memory_order_release);
    return true;
}

void PollingPipeline::deliver(const std::vector<float>& frames) noexcept {
    for (const auto frame : frames) (void)output_->try_push(frame);
    count_copy(frames.size() * sizeof(float));
}

void PollingPipeline::wait_until_idle() noexcept {
    while (frames_done_.load(std::memory_order_acquire) < frames_in_.load(std::memory_order_relaxed)) {
        rt::sleep_until_monotonic(rt::monotonic_ns() + 20'000);
    }
}

}  // namespace sidetone::cli::transport
