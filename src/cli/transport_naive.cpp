// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_naive.hpp"

#include "dsp/sample_conversion.hpp"
#include "rt/clock.hpp"
#include "rt/guard.hpp"

namespace sidetone::cli::transport {

void NaivePipeline::start(const device::CardFormat& format, Figures& figures) {
    stop();
    figures_ = &figures;
    block_frames_ = format.block_frames;
    stream_.start(block_frames_, figures);
    converted_.assign(block_frames_, 0.0F);
    misses_ = owed_blocks_ = 0;
    input_ = {};
    output_ = {};
    unfinished_block_.clear();
    blocks_in_ = blocks_done_ = 0;
    stopping_ = false;
    deliver(std::vector<float>(stream_.delay_frames(), 0.0F));
    rt::ThreadSettings settings;
    settings.name = "naive-worker";
    settings.priority = kWorkerPriority;
    thread_ = rt::RealtimeThread{settings, [this] { work(); }};
}

void NaivePipeline::stop() noexcept {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{input_mutex_};
        stopping_ = true;
    }
    input_added_.notify_one();
    thread_.join();
}

// ── audio thread ────────────────────────────────────────────────────────────────────────────────

bool NaivePipeline::process(const device::CardBlock& block) noexcept {
    const auto started = rt::now_ns();
    put(block);
    const auto between = rt::now_ns();
    const auto frames = take();
    const auto* samples = frames.empty() ? nullptr : frames.data();
    if (samples == nullptr) converted_.assign(block.frames, 0.0F);
    dsp::from_float(samples != nullptr ? samples : converted_.data(), block.output, 0, 0, block.frames);
    copy_times_ = {.input_ns = between - started, .output_ns = rt::now_ns() - between};
    return false;
}

void NaivePipeline::put(const device::CardBlock& block) {
    dsp::to_float(block.input, 0, 0, block.frames, converted_.data());
    InputBlock queued{.frames = {converted_.begin(), converted_.begin() + block.frames}, .due_ns = block.due_ns};
    {
        const std::lock_guard lock{input_mutex_};
        queued.queued_ns = rt::now_ns();
        input_.push(std::move(queued));
    }
    input_added_.notify_one();
    blocks_in_.fetch_add(1, std::memory_order_relaxed);
}

// Nothing when the worker is late; what it brings too late is thrown away, so that the delay stays.
std::vector<float> NaivePipeline::take() {
    const std::lock_guard lock{output_mutex_};
    for (; owed_blocks_ > 0 && !output_.empty(); --owed_blocks_) output_.pop();
    if (output_.empty()) {
        ++owed_blocks_;
        ++misses_;
        return {};
    }
    auto frames = std::move(output_.front());
    output_.pop();
    return frames;
}

// ── worker ──────────────────────────────────────────────────────────────────────────────────────

void NaivePipeline::work() {
    for (InputBlock block; wait_for_input(block);) {
        const auto begun = rt::now_ns();
        const bool counting = figures_->counting.load(std::memory_order_relaxed);
        const rt::RealtimeScope scope{rt::RealtimeKind::worker};
        const CopyScope copies{counting ? &figures_->worker_copies : nullptr};
        stream_.push(block.frames);
        run_hops(block, begun);
        blocks_done_.fetch_add(1, std::memory_order_release);
    }
}

bool NaivePipeline::wait_for_input(InputBlock& block) {
    std::unique_lock lock{input_mutex_};
    input_added_.wait(lock, [this] { return stopping_ || !input_.empty(); });
    if (stopping_) return false;
    block = std::move(input_.front());
    input_.pop();
    return true;
}

void NaivePipeline::run_hops(const InputBlock& block, std::int64_t begun_ns) {
    while (stream_.hop_is_ready()) {
        deliver(stream_.run_hop({.due_ns = block.due_ns, .queued_ns = block.queued_ns, .begun_ns = begun_ns}));
        stream_.note_delivered();
    }
}

// Cuts the stream into the card's blocks.
void NaivePipeline::deliver(const std::vector<float>& frames) {
    unfinished_block_.insert(unfinished_block_.end(), frames.begin(), frames.end());
    while (unfinished_block_.size() >= block_frames_) {
        const auto end = unfinished_block_.begin() + block_frames_;
        std::vector<float> block{unfinished_block_.begin(), end};
        unfinished_block_.erase(unfinished_block_.begin(), end);
        const std::lock_guard lock{output_mutex_};
        output_.push(std::move(block));
    }
}

void NaivePipeline::wait_until_idle() noexcept {
    while (blocks_done_.load(std::memory_order_acquire) < blocks_in_.load(std::memory_order_relaxed)) {
        rt::sleep_until_monotonic(rt::monotonic_ns() + 20'000);
    }
}

}  // namespace sidetone::cli::transport
