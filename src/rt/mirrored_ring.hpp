// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "rt/realtime.hpp"

namespace sidetone::rt {

/// A ring of floats mapped twice in a row in virtual memory, so that any stretch of up to `capacity()` samples is
/// contiguous: sliding windows are views, never copies. Locked and touched when made; zeroed.
///
/// Positions are absolute sample counts that only grow. The ring keeps no indices of its own and does no
/// synchronisation: whoever owns a stretch (rt/slot_pool.hpp) may touch it.
class MirroredRing {
public:
    /// At least `capacity` samples, rounded up to whole pages and then to a multiple of `multiple_of` samples.
    /// Throws std::bad_alloc.
    explicit MirroredRing(std::size_t capacity, std::size_t multiple_of = 1);
    ~MirroredRing();
    MirroredRing(MirroredRing&&) noexcept;
    MirroredRing& operator=(MirroredRing&&) noexcept;

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

    /// The sample at `position`; the `capacity()` samples from there on are contiguous.
    [[nodiscard]] float* at(std::uint64_t position) noexcept SIDETONE_REALTIME { return base_ + position % capacity_; }
    [[nodiscard]] const float* at(std::uint64_t position) const noexcept SIDETONE_REALTIME {
        return base_ + position % capacity_;
    }

    /// The `length` samples that end just before `end`. `length` <= capacity(), `end` >= length.
    [[nodiscard]] const float* last(std::uint64_t end, std::size_t length) const noexcept SIDETONE_REALTIME {
        return at(end - length);
    }

    void clear() noexcept;

private:
    float* base_ = nullptr;
    std::size_t capacity_ = 0;
};

}  // namespace sidetone::rt
