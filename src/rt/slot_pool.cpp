// SPDX-License-Identifier: Apache-2.0
#include "rt/slot_pool.hpp"

#include <algorithm>

namespace sidetone::rt {
namespace {

constexpr int kStateBits = 3;
constexpr std::uint64_t kStateMask = (1U << kStateBits) - 1;

constexpr std::uint64_t packed(std::uint64_t sequence, SlotState state) noexcept {
    return sequence << kStateBits | static_cast<std::uint64_t>(state);
}

constexpr SlotState state_in(std::uint64_t word) noexcept {
    return static_cast<SlotState>(word & kStateMask);
}

}  // namespace

const char* to_string(SlotState state) noexcept {
    switch (state) {
        case SlotState::free:
            return "free";
        case SlotState::writing:
            return "writing";
        case SlotState::ready:
            return "ready";
        case SlotState::running:
            return "running";
        case SlotState::done:
            return "done";
        case SlotState::reading:
            return "reading";
    }
    return "unknown";
}

SlotPool::SlotPool(Arena& arena, std::size_t count) : slots_(arena.allocate<Slot>(std::max<std::size_t>(count, 1))) {}

[[gnu::hot]] bool SlotPool::move(std::uint64_t sequence, SlotState from, SlotState to) noexcept {
    auto& word = slot_of(sequence).word;
    const auto next = packed(sequence, to);
    if (from == SlotState::ready) {
        auto expected = packed(sequence, from);
        return word.compare_exchange_strong(expected, next, std::memory_order_acq_rel, std::memory_order_acquire);
    }
    // One thread alone takes a slot out of any other state, so that nothing comes between look and store. A locked
    // instruction would wait there until all that the callback has written so far has reached its cold cache lines.
    const auto found = word.load(std::memory_order_acquire);
    if (from == SlotState::free ? state_in(found) != from : found != packed(sequence, from)) return false;
    word.store(next, std::memory_order_release);
    return true;
}

[[gnu::hot]] SlotState SlotPool::state(std::uint64_t sequence) const noexcept {
    const auto word = slot_of(sequence).word.load(std::memory_order_acquire);
    const auto state = state_in(word);
    return word == packed(sequence, state) ? state : SlotState::free;
}

[[gnu::hot]] SlotStamps& SlotPool::stamps(std::uint64_t sequence) noexcept {
    return slot_of(sequence).stamps;
}

void SlotPool::reset() noexcept {
    for (auto& slot : slots_) {
        slot.stamps = {};
        slot.word.store(packed(0, SlotState::free), std::memory_order_release);
    }
}

}  // namespace sidetone::rt
