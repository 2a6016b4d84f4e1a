// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "rt/arena.hpp"
#include "rt/prefetch.hpp"
#include "rt/realtime.hpp"

namespace sidetone::rt {

/// The life of a slot. The audio thread moves free → writing → ready and done → reading → free; the worker moves
/// ready → running → done.
enum class SlotState : std::uint8_t { free, writing, ready, running, done, reading };

[[nodiscard]] const char* to_string(SlotState state) noexcept;

/// When what happened to the hop in a slot, on the stamp clock. Written by whoever owns the slot in that state.
struct SlotStamps {
    std::int64_t due_ns = 0;        ///< when the card's block that completed the hop was due
    std::int64_t submitted_ns = 0;  ///< audio thread published it
};

/// A ring of slots used in the order of their sequence numbers: slot of hop `n` is `n % size()`. One audio thread
/// and one worker. A transition that the other side has made impossible fails instead of corrupting: both may take a
/// slot out of `ready`, which is a compare-and-swap; out of any other state only the thread that moves it from there
/// (see SlotState), which looks and stores, with acquire and release order. All members are wait-free.
class SlotPool {
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

public:
    /// `count` slots; storage from `arena`, before real time starts.
    SlotPool(Arena& arena, std::size_t count);

    [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }

    /// Moves the slot of `sequence` from `from` to `to`; false, and nothing happens, when it is in another state or
    /// holds another sequence number. free → writing takes the slot for `sequence` whatever it held before.
    [[nodiscard]] bool move(std::uint64_t sequence, SlotState from, SlotState to) noexcept SIDETONE_REALTIME;

    /// Sends for the slot of `sequence`, which `move` and `stamps` will touch.
    void prefetch(std::uint64_t sequence) const noexcept SIDETONE_REALTIME {
        prefetch_for_writing(&slot_of(sequence), sizeof(Slot));
    }

    /// State of the slot of `sequence`; free when it holds another sequence number.
    [[nodiscard]] SlotState state(std::uint64_t sequence) const noexcept SIDETONE_REALTIME;

    /// The caller owns the slot: writing or reading on the audio thread, running on the worker.
    [[nodiscard]] SlotStamps& stamps(std::uint64_t sequence) noexcept SIDETONE_REALTIME;

    /// Every slot free again. No other thread may be using the pool.
    void reset() noexcept;

private:
    struct alignas(kCacheLine) Slot {
        // Sequence and state in one word, so that one compare-and-swap judges and changes both.
        std::atomic<std::uint64_t> word{0};
        SlotStamps stamps;
    };
    [[nodiscard]] Slot& slot_of(std::uint64_t sequence) const noexcept { return slots_[sequence % slots_.size()]; }

    std::span<Slot> slots_;
};

}  // namespace sidetone::rt
