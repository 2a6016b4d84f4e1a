// SPDX-License-Identifier: Apache-2.0
#include "stage/hop_exchange.hpp"

#include <algorithm>

#include "rt/prefetch.hpp"

namespace sidetone::stage {
namespace {

std::uint32_t window_hops(const HopExchange::Shape& shape) noexcept {
    return (shape.window + shape.hop - 1) / shape.hop;
}

std::size_t padded(std::size_t floats) noexcept {
    return (floats + 15) / 16 * 16;
}  // whole cache lines

}  // namespace

// In flight: what one block completes, once more for the block being filled, the reserve; behind them the history
// that the oldest one's window (worker) and the dry signal of the oldest one awaited (audio thread) reach back to.
std::size_t HopExchange::slot_count(const Shape& shape) noexcept {
    return 2 * std::size_t{shape.hops_per_block} + 2 * std::size_t{window_hops(shape)} + kReserve + 1;
}

std::size_t HopExchange::result_stride(const Shape& shape) noexcept {
    return padded(shape.result == 0 ? shape.hop : shape.result);
}

std::size_t HopExchange::arena_bytes(const Shape& shape) {
    // The ring is rounded up to whole pages, and the pool with it: allow for twice the count and one page of hops.
    const auto slots = 2 * slot_count(shape) + 4096;
    return slots * (shape.channels * result_stride(shape) * sizeof(float) + 4 * rt::kCacheLine) + 16 * rt::kCacheLine;
}

namespace {

std::vector<rt::MirroredRing> make_rings(std::uint32_t channels, std::size_t samples, std::uint32_t hop) {
    std::vector<rt::MirroredRing> rings;
    rings.reserve(channels);
    for (std::uint32_t c = 0; c < channels; ++c) rings.emplace_back(samples, hop);
    return rings;
}

}  // namespace

HopExchange::HopExchange(rt::Arena& arena, const Shape& shape)
    : shape_(shape),
      input_(make_rings(shape.channels, slot_count(shape) * shape.hop, shape.hop)),
      pool_(arena, input_.front().capacity() / shape.hop),
      submitted_(arena, pool_.size()),
      results_(arena.allocate<float>(pool_.size() * shape.channels * result_stride(shape))),
      failed_(arena.allocate<std::uint8_t>(pool_.size())) {}

[[gnu::hot]] bool HopExchange::claim(std::int64_t hop) noexcept {
    const auto slots = static_cast<std::int64_t>(pool_.size());
    const auto history = static_cast<std::int64_t>(window_hops(shape_));
    // The memory of this hop last held hop - slots; the windows of hops up to hop - slots + history - 1 reach it.
    const auto needed = hop - slots + history;
    if (finished_seen_ < needed) {
        finished_seen_ = finished_.load(std::memory_order_acquire);
        if (finished_seen_ < needed && finished_seen_ <= last_submitted_) return false;
    }
    reclaim_late(std::max<std::int64_t>(0, hop - slots + 1));
    return pool_.move(sequence(hop), rt::SlotState::free, rt::SlotState::writing);
}

[[gnu::hot]] float* HopExchange::input(std::uint32_t channel, std::int64_t position) noexcept {
    auto& ring = input_[channel];
    // Positions before the start are silence: the ring is zero there until it has come round.
    return ring.at(static_cast<std::uint64_t>(position + static_cast<std::int64_t>(ring.capacity())));
}

[[gnu::hot]] void HopExchange::prefetch_input(std::int64_t position, std::size_t count) noexcept {
    for (std::uint32_t c = 0; c < shape_.channels; ++c)
        rt::prefetch_for_writing(input(c, position), count * sizeof(float));
    pool_.prefetch(sequence(position / shape_.hop));
    submitted_.prefetch_push();
}

[[gnu::hot]] void HopExchange::prefetch_result(std::int64_t hop) noexcept {
    pool_.prefetch(sequence(hop));
    rt::prefetch_for_reading(&failed_[index(hop)], 1);
    for (std::uint32_t c = 0; c < shape_.channels; ++c)
        rt::prefetch_for_reading(result(c, hop), result_stride(shape_) * sizeof(float));
}

[[gnu::hot]] void HopExchange::submit(std::int64_t hop, std::int64_t due_ns, std::int64_t now_ns) noexcept {
    auto& stamps = pool_.stamps(sequence(hop));
    stamps = {};
    stamps.due_ns = due_ns;
    stamps.submitted_ns = now_ns;
    if (!pool_.move(sequence(hop), rt::SlotState::writing, rt::SlotState::ready)) return;
    last_submitted_ = hop;
    (void)submitted_.try_push(hop);  // as long as the pool: never full
}

[[gnu::hot]] bool HopExchange::take_result(std::int64_t hop) noexcept {
    if (!pool_.move(sequence(hop), rt::SlotState::done, rt::SlotState::reading)) return false;
    if (failed_[index(hop)] == 0) return true;
    last_failed_ = hop;
    release(hop);
    return false;
}

[[gnu::hot]] const float* HopExchange::result(std::uint32_t channel, std::int64_t hop) const noexcept {
    return results_.data() + (index(hop) * shape_.channels + channel) * result_stride(shape_);
}

[[gnu::hot]] void HopExchange::release(std::int64_t hop) noexcept {
    (void)pool_.move(sequence(hop), rt::SlotState::reading, rt::SlotState::free);
}

[[gnu::hot]] void HopExchange::reclaim_late(std::int64_t end) noexcept {
    for (; reclaimed_ < end; ++reclaimed_) {
        const auto s = sequence(reclaimed_);
        if (pool_.move(s, rt::SlotState::done, rt::SlotState::reading)) {
            release(reclaimed_);
            continue;
        }
        const auto state = pool_.state(s);
        if (state == rt::SlotState::ready || state == rt::SlotState::running) return;  // the worker still has it
    }
}

[[gnu::hot]] bool HopExchange::next(std::int64_t& hop) noexcept {
    std::int64_t candidate = 0;
    while (submitted_.try_pop(candidate)) {
        if (!pool_.move(sequence(candidate), rt::SlotState::ready, rt::SlotState::running)) continue;
        if (candidate >= awaited_.load(std::memory_order_relaxed) - kWorthRunning) {
            hop = candidate;
            return true;
        }
        finish(candidate, false);
    }
    return false;
}

[[gnu::hot]] const float* HopExchange::window(std::uint32_t channel, std::int64_t hop) const noexcept {
    const auto& ring = input_[channel];
    const auto end = static_cast<std::uint64_t>(hop + 1) * shape_.hop + ring.capacity();
    return ring.last(end, shape_.window);
}

[[gnu::hot]] float* HopExchange::result_memory(std::uint32_t channel, std::int64_t hop) noexcept {
    return results_.data() + (index(hop) * shape_.channels + channel) * result_stride(shape_);
}

[[gnu::hot]] void HopExchange::finish(std::int64_t hop, bool good) noexcept {
    failed_[index(hop)] = good ? 0 : 1;
    (void)pool_.move(sequence(hop), rt::SlotState::running, rt::SlotState::done);
    finished_.store(hop + 1, std::memory_order_release);
}

}  // namespace sidetone::stage
