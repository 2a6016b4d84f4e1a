// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dsp/convolver_plan.hpp"
#include "dsp/partitioned_responses.hpp"
#include "rt/thread.hpp"

namespace sidetone::dsp {

/// A later stretch of the responses, from tap 2 · block on, that another thread works on: a block's result is due when
/// the next block has come in. Single producer, single consumer: blocks are offered and their results taken in order.
class HelpedTail {
public:
    HelpedTail(const ResponseMatrix& matrix, const ConvolverPlan::Level& level, std::size_t lanes);

    /// Audio thread: adds what is due at `position` and after, `frames` frames within one block; nothing where the
    /// helper is late.
    void add(std::uint64_t position, std::size_t frames, float* const* out,
             std::size_t first) noexcept SIDETONE_REALTIME;
    /// Audio thread: the block before `position` has come in.
    void next_block(std::uint64_t position) noexcept SIDETONE_REALTIME;
    /// Any thread: blocks whose result was not there in time, and stayed silent.
    [[nodiscard]] std::uint64_t late() const noexcept { return late_.load(std::memory_order_relaxed); }

    /// Any thread.
    [[nodiscard]] bool is_done() const noexcept {
        return done_.load(std::memory_order_acquire) == offered_.load(std::memory_order_acquire);
    }
    /// Helper: works on the oldest block that was offered; false when there is none. One that came so long ago that its
    /// input may be gone counts as silence.
    bool work_next(const InputLanes& inputs) noexcept;

    /// Control thread, while neither of the others is at it.
    void reset() noexcept;

    [[nodiscard]] std::size_t block() const noexcept { return spectra_.block(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return spectra_.memory_bytes() + arena_.capacity_bytes();
    }

private:
    PartitionedResponses spectra_;  // the helper's
    std::size_t outputs_;
    rt::Arena arena_;
    std::array<std::span<float>, 2> samples_;  // of even and of odd blocks: one is heard while the other is made
    const float* heard_ = nullptr;             // the audio thread's
    alignas(rt::kCacheLine) std::atomic<std::uint64_t> offered_{0};
    std::atomic<std::uint64_t> late_{0};
    alignas(rt::kCacheLine) std::atomic<std::uint64_t> done_{0};
};

/// A thread below the audio thread's priority that works on tails. It looks for work four times within the shortest
/// tail's block and is never woken, so the audio thread makes no system call for it.
class ConvolverHelper {
public:
    struct Settings {
        std::uint32_t rate_hz = 48'000;
        int priority = 4;  ///< below every card's thread (JACK's is 10) and the engine's worker, which has less time
    };

    ConvolverHelper(const ResponseMatrix& matrix, std::span<const ConvolverPlan::Level> levels, std::size_t lanes,
                    const InputLanes& inputs, const Settings& settings);
    ~ConvolverHelper() { stop(); }
    ConvolverHelper(const ConvolverHelper&) = delete;
    ConvolverHelper& operator=(const ConvolverHelper&) = delete;

    [[nodiscard]] std::span<const std::unique_ptr<HelpedTail>> tails() const noexcept { return tails_; }
    [[nodiscard]] std::uint64_t late() const noexcept;
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

    /// Control thread, while the audio thread is not at it: ends the thread; forgets everything and begins anew.
    void stop() noexcept;
    void reset();

    /// Returns when nothing is left to do. For calls that do not come in real time; not on an audio thread.
    void wait() const noexcept;

    /// From this level on, all have blocks long enough for a helper, which may sleep for a quarter of one: 20 ms, and
    /// four calls of `usual_frames`.
    [[nodiscard]] static std::size_t first_helped(std::span<const ConvolverPlan::Level> levels,
                                                  std::size_t usual_frames, std::uint32_t rate_hz) noexcept;

private:
    void start();
    void run() noexcept;

    const InputLanes& inputs_;
    Settings settings_;
    std::vector<std::unique_ptr<HelpedTail>> tails_;  // from short to long
    std::int64_t nap_ns_ = 0;
    std::atomic<bool> stopping_{false};
    rt::RealtimeThread thread_;
};

}  // namespace sidetone::dsp
