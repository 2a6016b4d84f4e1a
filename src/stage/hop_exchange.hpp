// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "rt/arena.hpp"
#include "rt/mirrored_ring.hpp"
#include "rt/realtime.hpp"
#include "rt/single_writer_single_reader_ring.hpp"
#include "rt/slot_pool.hpp"

namespace sidetone::stage {

/// How hops travel between the audio thread and whoever runs the model. One ring of model-rate samples per channel; hop
/// `j` is the stretch [j·hop, (j+1)·hop) of it and slot `j % slots()` of the pool, so the window that ends with a hop
/// is a view, and only hop numbers are passed on. Results lie in the slot.
///
/// Audio thread: claim → (write samples) → submit → take_result → release. Worker: next → window / result → finish.
class HopExchange {
public:
    struct Shape {
        std::uint32_t channels = 1;
        std::uint32_t hop = 0;
        std::uint32_t window = 0;          ///< samples, a multiple of hop or not
        std::uint32_t hops_per_block = 1;  ///< the most hops one block completes
        std::uint32_t result = 0;          ///< values in a hop's result, a channel; 0: as many as a hop has samples
    };
    static constexpr std::uint32_t kReserve = 2;  ///< slots beyond what on-time work needs

    HopExchange(rt::Arena& arena, const Shape& shape);

    /// Bytes of arena that a shape needs, with slack for alignment.
    [[nodiscard]] static std::size_t arena_bytes(const Shape& shape);
    [[nodiscard]] std::size_t slots() const noexcept { return pool_.size(); }

    // ── audio thread ──

    /// Makes hop `hop` writable. False when the worker is so far behind that its window still needs the memory: the hop
    /// is lost.
    [[nodiscard]] bool claim(std::int64_t hop) noexcept SIDETONE_REALTIME;

    /// Sample `position` of the model-rate input, writable within claimed hops, readable back to `history` samples.
    [[nodiscard]] float* input(std::uint32_t channel, std::int64_t position) noexcept SIDETONE_REALTIME;

    /// Sends for the memory that writing `count` samples from `position` on, and submitting a hop, will touch: the
    /// worker may have had it last. Likewise for what `take_result(hop)` gives.
    void prefetch_input(std::int64_t position, std::size_t count) noexcept SIDETONE_REALTIME;
    void prefetch_result(std::int64_t hop) noexcept SIDETONE_REALTIME;

    /// Publishes a claimed hop.
    void submit(std::int64_t hop, std::int64_t due_ns, std::int64_t now_ns) noexcept SIDETONE_REALTIME;

    /// Tells the worker that hops before `hop` are no longer awaited.
    void abandon_before(std::int64_t hop) noexcept SIDETONE_REALTIME { awaited_.store(hop, std::memory_order_relaxed); }

    /// The result of `hop` is there and good; it may be read until `release`.
    [[nodiscard]] bool take_result(std::int64_t hop) noexcept SIDETONE_REALTIME;
    [[nodiscard]] const float* result(std::uint32_t channel, std::int64_t hop) const noexcept SIDETONE_REALTIME;
    void release(std::int64_t hop) noexcept SIDETONE_REALTIME;

    /// Frees the slots of results that came too late to be used, up to but not including `end`.
    void reclaim_late(std::int64_t end) noexcept SIDETONE_REALTIME;

    [[nodiscard]] const rt::SlotStamps& stamps(std::int64_t hop) noexcept SIDETONE_REALTIME {
        return pool_.stamps(sequence(hop));
    }
    /// After `take_result(hop)` gave nothing: the result was there, and bad.
    [[nodiscard]] bool failed(std::int64_t hop) const noexcept SIDETONE_REALTIME { return last_failed_ == hop; }

    // ── whoever runs the model ──

    /// The oldest submitted hop, now running; false when there is none (`hop` is then as it was). Hops abandoned long
    /// ago are skipped.
    [[nodiscard]] bool next(std::int64_t& hop) noexcept SIDETONE_REALTIME;
    /// The window that ends with `hop`.
    [[nodiscard]] const float* window(std::uint32_t channel, std::int64_t hop) const noexcept SIDETONE_REALTIME;
    [[nodiscard]] float* result_memory(std::uint32_t channel, std::int64_t hop) noexcept SIDETONE_REALTIME;
    void finish(std::int64_t hop, bool good) noexcept SIDETONE_REALTIME;

private:
    // A hop this far behind what is awaited is not worth running, even for the model's state.
    static constexpr std::int64_t kWorthRunning = 2;

    [[nodiscard]] static std::uint64_t sequence(std::int64_t hop) noexcept { return static_cast<std::uint64_t>(hop); }
    [[nodiscard]] std::size_t index(std::int64_t hop) const noexcept { return sequence(hop) % pool_.size(); }
    [[nodiscard]] static std::size_t slot_count(const Shape& shape) noexcept;
    [[nodiscard]] static std::size_t result_stride(const Shape& shape) noexcept;

    Shape shape_;
    std::vector<rt::MirroredRing> input_;  // one per channel
    rt::SlotPool pool_;
    rt::SingleWriterSingleReaderRing<std::int64_t> submitted_;
    std::span<float> results_;        // slots × channels × values
    std::span<std::uint8_t> failed_;  // per slot; written running, read after done
    // The audio thread's. Apart from what the worker writes: a line that comes from another core takes 100 ns.
    alignas(rt::kCacheLine) std::int64_t reclaimed_ = 0;
    std::int64_t last_failed_ = -1;
    std::int64_t last_submitted_ = -1;
    std::int64_t finished_seen_ = 0;
    std::atomic<std::int64_t> awaited_{0};  // read by the worker once a hop
    // The worker's.
    alignas(rt::kCacheLine) std::atomic<std::int64_t> finished_{0};  // hops below this it no longer looks at
};

}  // namespace sidetone::stage
