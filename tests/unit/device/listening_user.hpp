// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "device/card.hpp"
#include "device/silence.hpp"
#include "rt/guard.hpp"

namespace sidetone::device {

/// A user of a card that passes channel 0 through to every output, and remembers what it saw.
class ListeningUser : public CardUser {
public:
    void prepare(const CardFormat& format) override {
        const std::lock_guard lock(guard_);
        formats_.push_back(format);
        scratch_.resize(format.max_block_frames);
        // Blocks are remembered on the audio thread: no heap there.
        if (seen_.empty()) seen_.resize(kMostSeen);
        if (on_prepare) on_prepare(format);
    }

    void process(const CardBlock& block) noexcept override {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        inside_.store(true, std::memory_order_relaxed);
        const auto at = blocks_.load(std::memory_order_relaxed);
        if (at < seen_.size()) {
            seen_[at] = {.frames = block.frames,
                         .due_ns = block.due_ns,
                         .entered_ns = block.entered_ns,
                         .due_monotonic_ns = block.due_monotonic_ns,
                         .period_ns = block.period_ns,
                         .lost_frames = block.lost_frames};
        }
        if (on_process) on_process(block);
        if (block.input.channels == 0) fill_with_silence(block.output, block.frames);
        for (std::uint32_t c = 0; c < (block.input.channels > 0 ? block.output.channels : 0); ++c) {
            dsp::to_float(block.input, c < block.input.channels ? c : 0, 0, block.frames, scratch_.data());
            dsp::from_float(scratch_.data(), block.output, c, 0, block.frames);
        }
        blocks_.store(at + 1, std::memory_order_release);
        inside_.store(false, std::memory_order_relaxed);
    }

    void on_event(CardEvent event) noexcept override { events_[static_cast<std::size_t>(event)].fetch_add(1); }
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return delay; }

    struct Seen {
        std::uint32_t frames = 0;
        std::int64_t due_ns = 0, entered_ns = 0, due_monotonic_ns = 0;
        double period_ns = 0;
        std::uint64_t lost_frames = 0;
    };

    /// Waits until `condition` holds, for ten seconds at most.
    template <class Condition>
    [[nodiscard]] static bool eventually(Condition&& condition) {
        for (int i = 0; i < 2000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return condition();
    }
    [[nodiscard]] bool wait_for(CardEvent event) const {
        return eventually([&] { return count(event) > 0; });
    }
    [[nodiscard]] bool wait_for_blocks(std::uint64_t wanted) const {
        return eventually([&] { return blocks() >= wanted; });
    }

    [[nodiscard]] std::uint64_t blocks() const { return blocks_.load(std::memory_order_acquire); }
    [[nodiscard]] int count(CardEvent event) const { return events_[static_cast<std::size_t>(event)].load(); }
    [[nodiscard]] std::vector<Seen> seen() const {
        return {seen_.begin(),
                seen_.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(blocks(), seen_.size()))};
    }
    [[nodiscard]] std::vector<CardFormat> formats() {
        const std::lock_guard lock(guard_);
        return formats_;
    }
    [[nodiscard]] bool inside() const { return inside_.load(std::memory_order_relaxed); }

    std::uint32_t delay = 0;
    std::function<void(const CardFormat&)> on_prepare;
    std::function<void(const CardBlock&)> on_process;

private:
    static constexpr std::size_t kMostSeen = 20'000;
    std::mutex guard_;
    std::vector<CardFormat> formats_;
    std::vector<float> scratch_;
    std::vector<Seen> seen_;
    std::atomic<std::uint64_t> blocks_{0};
    std::atomic<bool> inside_{false};
    std::array<std::atomic<int>, 3> events_{};
};

/// Stops a card before what its callbacks use goes out of scope: to be declared after that.
struct StopAtEnd {
    explicit StopAtEnd(Card& running) : card(running) {}
    ~StopAtEnd() { card.stop(); }
    StopAtEnd(const StopAtEnd&) = delete;
    StopAtEnd& operator=(const StopAtEnd&) = delete;
    Card& card;
};

}  // namespace sidetone::device
