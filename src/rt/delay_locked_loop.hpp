// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "rt/realtime.hpp"

namespace sidetone::rt {

/// Predicts when the card's next period begins from the times at which past ones did: a second-order delay-locked loop
/// that smooths wake-up jitter and follows the card's true rate (Fons Adriaensen, "Using a DLL to filter time", LAC
/// 2005). Audio thread only, but for the constructor and `reset`.
class DelayLockedLoop {
public:
    /// `period_ns`: the nominal period; `bandwidth_hz`: of the loop, well below the period rate.
    DelayLockedLoop(double period_ns, double bandwidth_hz) noexcept;

    /// A period began at `now_ns`. A call dropped, doubled or late by about a whole period or several shifts the
    /// phase by whole periods and leaves the rate alone; a jump of more than `kRelockPeriods` restarts the loop there.
    void update(std::int64_t now_ns) noexcept SIDETONE_REALTIME;

    /// Smoothed beginning of the current period, and predicted beginning of the next.
    [[nodiscard]] double current_ns() const noexcept { return current_ns_; }
    [[nodiscard]] double next_ns() const noexcept { return next_ns_; }
    /// Smoothed length of a period.
    [[nodiscard]] double period_ns() const noexcept { return period_ns_; }

    void reset(double period_ns) noexcept;

private:
    static constexpr double kRelockPeriods = 8;
    static constexpr double kSlipPeriods = 0.75;
    double bandwidth_hz_;
    double current_ns_ = 0, next_ns_ = 0, period_ns_ = 0, nominal_period_ns_ = 0;
    double b_ = 0, c_ = 0;
    bool locked_ = false;
};

}  // namespace sidetone::rt
