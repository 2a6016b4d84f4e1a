// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::device {

enum class JitterShape : std::uint8_t {
    uniform,   ///< 0 to jitter_us late
    gaussian,  ///< |N(0, jitter_us)| late, at most four times jitter_us
};

/// When a simulated card calls, and what goes wrong with it.
struct SimPacing {
    std::uint32_t rate_hz = 0;
    std::uint32_t block_frames = 0;
    std::vector<std::uint32_t> block_pattern = {};  ///< block sizes to cycle through; empty: always block_frames
    double skew_ppm = 0;                            ///< how much faster than nominal the card's crystal runs
    double jitter_us = 0;                           ///< lateness of callbacks; their due times stay exact
    JitterShape jitter_shape = JitterShape::uniform;
    double drop_share = 0;        ///< probability that a period gets no callback: its frames are lost
    double double_share = 0;      ///< probability that a callback comes a period late, back to back with the next
    double buffered_periods = 2;  ///< lateness that the card's own buffer rides out; beyond it frames are lost
    std::uint64_t seed = 1;
};

/// One callback to come. Times in nanoseconds since the card's start.
struct SimTick {
    double due_ns = 0;              ///< when the last frame of the block has been captured
    double fire_ns = 0;             ///< when the callback is to be entered: due_ns plus simulated lateness
    std::uint64_t first_frame = 0;  ///< the block's first frame on the card's own axis
    std::uint32_t frames = 0;
    std::uint64_t lost_frames = 0;  ///< skipped since the block before
};

/// The plan of a simulated card's callbacks: pure arithmetic on the card's own time axis, the same for the same seed.
/// The callback for the block that ends at frame n is due at n / true rate after the start. One thread at a time; no
/// heap.
class SimTimeline {
public:
    explicit SimTimeline(SimPacing pacing);

    /// The next callback.
    [[nodiscard]] SimTick next() noexcept SIDETONE_REALTIME;

    /// The thread woke at `now_ns` for `tick`. If that is later than the card's buffer holds, the periods gone by are
    /// lost, as with real cards: `tick` becomes the newest block due. Never a burst of old blocks.
    void catch_up(SimTick& tick, double now_ns) noexcept SIDETONE_REALTIME;

    /// Skips every block due before `now_ns` (the card was away). Returns the frames skipped.
    std::uint64_t skip_until(double now_ns) noexcept;

    /// True length of a nominal period.
    [[nodiscard]] double period_ns() const noexcept { return frame_ns_ * pacing_.block_frames; }
    [[nodiscard]] double frame_ns() const noexcept { return frame_ns_; }
    [[nodiscard]] std::uint32_t longest_block() const noexcept;
    /// First frame not yet planned.
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

private:
    [[nodiscard]] bool happens(double share) noexcept;
    [[nodiscard]] double lateness_ns() noexcept;
    [[nodiscard]] double uniform() noexcept;  // in [0, 1)
    [[nodiscard]] std::uint32_t block_after(std::size_t steps) const noexcept;
    void advance() noexcept;
    std::uint64_t skip_whole_cycles(double from_due_ns, double now_ns) noexcept;

    SimPacing pacing_;
    double frame_ns_;
    std::uint64_t cycle_frames_ = 0;  // of the pattern
    std::uint64_t position_ = 0;
    std::size_t pattern_index_ = 0;
    double last_fire_ns_ = 0;
    bool pair_pending_ = false;  // the block before was held back to come together with this one
    std::mt19937_64 random_;
};

}  // namespace sidetone::device
