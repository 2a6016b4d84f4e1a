// SPDX-License-Identifier: Apache-2.0
#include "rt/delay_locked_loop.hpp"

#include <cmath>
#include <numbers>

namespace sidetone::rt {

DelayLockedLoop::DelayLockedLoop(double period_ns, double bandwidth_hz) noexcept : bandwidth_hz_(bandwidth_hz) {
    reset(period_ns);
}

void DelayLockedLoop::reset(double period_ns) noexcept {
    nominal_period_ns_ = period_ns_ = period_ns;
    current_ns_ = next_ns_ = 0;
    // Adriaensen 2005, section 3: critically damped, omega = 2 pi B / F with F the rate of updates.
    const double omega = 2 * std::numbers::pi * bandwidth_hz_ * period_ns * 1e-9;
    b_ = std::numbers::sqrt2 * omega;
    c_ = omega * omega;
    locked_ = false;
}

void DelayLockedLoop::update(std::int64_t now_ns) noexcept {
    const auto now = static_cast<double>(now_ns);
    double error = now - next_ns_;
    if (!locked_ || std::abs(error) > kRelockPeriods * period_ns_) {
        period_ns_ = nominal_period_ns_;
        current_ns_ = now;
        next_ns_ = now + period_ns_;
        locked_ = true;
        return;
    }
    if (std::abs(error) > kSlipPeriods * period_ns_) {
        const double slip = std::round(error / period_ns_) * period_ns_;
        next_ns_ += slip;
        error -= slip;
    }
    current_ns_ = next_ns_;
    next_ns_ += b_ * error + period_ns_;
    period_ns_ += c_ * error;
}

}  // namespace sidetone::rt
