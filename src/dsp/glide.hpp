// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// A value on its way to another, for gains that must not click: three smoothings in a row, so that neither the value
/// nor its slope ever jumps, wherever it was when it was sent elsewhere. What a jump would leave f Hz beside a tone
/// comes (1 + (2π f τ)²)^1.5 times softer: 90 dB at 1 kHz for a time constant τ of 5 ms. Within 1e-8 it is there, about
/// 25 τ later.
///
/// Used by one thread at a time.
class Glide {
public:
    Glide() = default;
    /// Still, at `value`.
    Glide(double value, double time_constant_s, double steps_per_second) noexcept
        : share_(1 - std::exp(-1 / (time_constant_s * steps_per_second))),
          target_(value),
          first_(value),
          second_(value),
          third_(value) {}

    void go_to(double target) noexcept SIDETONE_REALTIME {
        if (target == target_) return;
        target_ = target;
        is_still_ = false;
    }

    /// One step further; the value there.
    double next() noexcept SIDETONE_REALTIME;

    [[nodiscard]] double value() const noexcept { return third_; }
    [[nodiscard]] double target() const noexcept { return target_; }
    [[nodiscard]] bool is_still() const noexcept { return is_still_; }

private:
    double share_ = 1;  // of the way left that a step goes
    double target_ = 0, first_ = 0, second_ = 0, third_ = 0;
    bool is_still_ = true;
};

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

inline double Glide::next() noexcept {
    constexpr double kThere = 1e-8;
    if (is_still_) return third_;
    first_ += share_ * (target_ - first_);
    second_ += share_ * (first_ - second_);
    third_ += share_ * (second_ - third_);
    const auto is_there = [&](double value) noexcept { return std::fabs(value - target_) < kThere; };
    is_still_ = is_there(first_) && is_there(second_) && is_there(third_);
    if (is_still_) first_ = second_ = third_ = target_;
    return third_;
}

}  // namespace sidetone::dsp
