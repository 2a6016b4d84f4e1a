// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "rt/clock.hpp"

namespace sidetone::rt {

/// The time that a thread has for going through work that is about to come: what it runs and reads is out of the
/// processor's caches after a sleep, and at hand when it has been through it once. Whoever rehearses changes nothing
/// that lasts, and asks again and again whether it is over: a network, before each of its kernels.
class Rehearsal {
public:
    /// Over as soon as `notified` is no longer `seen`, or at this CLOCK_MONOTONIC moment.
    Rehearsal(const std::atomic<std::uint32_t>& notified, std::uint32_t seen, std::int64_t until_ns) noexcept
        : notified_(notified), seen_(seen), until_ns_(until_ns) {}

    /// The work is there, or time is up.
    [[nodiscard]] bool is_over() const noexcept {
        return notified_.load(std::memory_order_relaxed) != seen_ || monotonic_ns() >= until_ns_;
    }

private:
    const std::atomic<std::uint32_t>& notified_;
    std::uint32_t seen_;
    std::int64_t until_ns_;
};

}  // namespace sidetone::rt
