// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace sidetone::device {

/// Something that happens at known moments of a virtual clock: a simulated card.
class VirtualActor {
public:
    virtual ~VirtualActor() = default;
    /// Moment of its next act in nanoseconds; infinity when there is none.
    [[nodiscard]] virtual double next_ns() const noexcept = 0;
    virtual void act() noexcept = 0;
};

/// A clock that jumps from event to event, so that minutes of several cards' interplay take seconds and come out the
/// same every time. Everything runs on the thread that calls `run_for`.
class VirtualTime {
public:
    [[nodiscard]] double now_ns() const noexcept { return now_ns_; }

    /// Lets the actors act in the order of their moments until the clock has moved on by `seconds`.
    void run_for(double seconds) noexcept;

    void attach(VirtualActor& actor) { actors_.push_back(&actor); }
    void detach(VirtualActor& actor) noexcept { std::erase(actors_, &actor); }

private:
    std::vector<VirtualActor*> actors_;
    double now_ns_ = 0;
};

}  // namespace sidetone::device
