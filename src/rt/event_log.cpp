// SPDX-License-Identifier: Apache-2.0
#include "rt/event_log.hpp"

namespace sidetone::rt {

EventLog::EventLog(Arena& arena, std::size_t capacity) : ring_(arena, capacity) {}

void EventLog::record(const Event& event) noexcept {
    if (ring_.try_push(event)) return;
    // Load and store will do: only the recording thread writes.
    dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

bool EventLog::take(Event& event) noexcept {
    return ring_.try_pop(event);
}

}  // namespace sidetone::rt
