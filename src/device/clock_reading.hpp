// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include "rt/clock.hpp"
#include "rt/realtime.hpp"

namespace sidetone::device {

/// The stamp clock, CLOCK_MONOTONIC and a card's own clock at one moment, for moving times from one to another.
struct ClockReading {
    std::int64_t stamp_ns = 0;
    std::int64_t monotonic_ns = 0;
    std::int64_t card = 0;  ///< in the card's own unit

    /// The same moment as `due_monotonic_ns`, on the stamp clock.
    [[nodiscard]] std::int64_t to_stamp_ns(std::int64_t due_monotonic_ns) const noexcept SIDETONE_REALTIME {
        return stamp_ns - (monotonic_ns - due_monotonic_ns);
    }
    [[nodiscard]] std::int64_t to_monotonic_ns(std::int64_t moment_stamp_ns) const noexcept SIDETONE_REALTIME {
        return monotonic_ns - (stamp_ns - moment_stamp_ns);
    }
};

/// Reads them one after the other. Whoever is interrupted in between would be out by the length of the interruption
/// (150 us have been seen), so the tightest of a few tries counts.
template <class CardClock>
[[nodiscard]] ClockReading read_clocks(CardClock&& card_clock) noexcept SIDETONE_REALTIME {
    constexpr int kTries = 4;
    constexpr std::int64_t kTightNs = 1'000;
    ClockReading best;
    std::int64_t tightest_ns = std::numeric_limits<std::int64_t>::max();
    for (int i = 0; i < kTries && tightest_ns > kTightNs; ++i) {
        ClockReading reading;
        reading.stamp_ns = rt::now_ns();
        reading.monotonic_ns = rt::monotonic_ns();
        reading.card = card_clock();
        const auto width_ns = rt::now_ns() - reading.stamp_ns;
        if (width_ns >= tightest_ns) continue;
        tightest_ns = width_ns;
        best = reading;
    }
    return best;
}
[[nodiscard]] inline ClockReading read_clocks() noexcept SIDETONE_REALTIME {
    return read_clocks([] { return std::int64_t{0}; });
}

}  // namespace sidetone::device
