// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "rt/arena.hpp"
#include "rt/realtime.hpp"
#include "rt/single_writer_single_reader_ring.hpp"

namespace sidetone::rt {

/// Something worth telling that happened on a real-time thread: a plain number code with its moment and up to three
/// values. The meaning of `kind` belongs to the room that records it (engine/events.hpp).
struct Event {
    std::int64_t at_ns = 0;
    std::uint32_t kind = 0;
    std::uint32_t stage = 0;
    std::int64_t values[3] = {};
};

/// Events from one real-time thread, drained by one control thread. When it is full new events are dropped and
/// counted, never waited for.
class EventLog {
public:
    EventLog(Arena& arena, std::size_t capacity);

    /// Recording thread only.
    void record(const Event& event) noexcept SIDETONE_REALTIME;

    /// Control thread only; false when there is none.
    [[nodiscard]] bool take(Event& event) noexcept;
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    SingleWriterSingleReaderRing<Event> ring_;
    std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace sidetone::rt
