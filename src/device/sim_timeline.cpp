// SPDX-License-Identifier: Apache-2.0
#include "device/sim_timeline.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace sidetone::device {

namespace {

/// Dropped callbacks in a row are bounded, so that a share of 1 does not loop for ever.
constexpr int kMostDropsInARow = 64;

}  // namespace

SimTimeline::SimTimeline(SimPacing pacing)
    : pacing_(std::move(pacing)),
      frame_ns_(1e9 / (pacing_.rate_hz * (1 + pacing_.skew_ppm * 1e-6))),
      random_(pacing_.seed) {
    if (pacing_.block_pattern.empty()) pacing_.block_pattern = {pacing_.block_frames};
    cycle_frames_ = std::accumulate(pacing_.block_pattern.begin(), pacing_.block_pattern.end(), std::uint64_t{0});
}

std::uint32_t SimTimeline::longest_block() const noexcept {
    return *std::max_element(pacing_.block_pattern.begin(), pacing_.block_pattern.end());
}

double SimTimeline::uniform() noexcept {
    return static_cast<double>(random_() >> 11) * 0x1p-53;
}

bool SimTimeline::happens(double share) noexcept {
    return share > 0 && uniform() < share;
}

double SimTimeline::lateness_ns() noexcept {
    if (pacing_.jitter_us <= 0) return 0;
    const double scale_ns = pacing_.jitter_us * 1e3;
    if (pacing_.jitter_shape == JitterShape::uniform) return uniform() * scale_ns;
    // Box and Muller, 1958.
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return std::min(4.0, std::abs(radius * std::cos(2 * std::numbers::pi * uniform()))) * scale_ns;
}

std::uint32_t SimTimeline::block_after(std::size_t steps) const noexcept {
    return pacing_.block_pattern[(pattern_index_ + steps) % pacing_.block_pattern.size()];
}

void SimTimeline::advance() noexcept {
    position_ += block_after(0);
    pattern_index_ = (pattern_index_ + 1) % pacing_.block_pattern.size();
}

SimTick SimTimeline::next() noexcept {
    SimTick tick;
    for (int drops = 0; drops < kMostDropsInARow && !pair_pending_ && happens(pacing_.drop_share); ++drops) {
        tick.lost_frames += block_after(0);
        advance();
    }
    tick.first_frame = position_;
    tick.frames = block_after(0);
    advance();
    tick.due_ns = static_cast<double>(position_) * frame_ns_;
    tick.fire_ns = tick.due_ns + lateness_ns();
    pair_pending_ = !pair_pending_ && happens(pacing_.double_share);
    if (pair_pending_) tick.fire_ns += block_after(0) * frame_ns_;
    tick.fire_ns = last_fire_ns_ = std::max(tick.fire_ns, last_fire_ns_);
    return tick;
}

std::uint64_t SimTimeline::skip_whole_cycles(double from_due_ns, double now_ns) noexcept {
    const double cycle_ns = static_cast<double>(cycle_frames_) * frame_ns_;
    const double cycles = std::floor((now_ns - from_due_ns) / cycle_ns);
    if (cycles < 1) return 0;
    const auto frames = static_cast<std::uint64_t>(cycles) * cycle_frames_;
    position_ += frames;
    return frames;
}

void SimTimeline::catch_up(SimTick& tick, double now_ns) noexcept {
    if (now_ns - tick.due_ns <= pacing_.buffered_periods * period_ns()) return;
    // Whole cycles leave the place in the pattern, and so the block's size, as they are.
    const std::uint64_t skipped = skip_whole_cycles(tick.due_ns, now_ns);
    tick.lost_frames += skipped;
    tick.first_frame += skipped;
    while (static_cast<double>(position_ + block_after(0)) * frame_ns_ <= now_ns) {
        tick.lost_frames += tick.frames;
        tick.first_frame = position_;
        tick.frames = block_after(0);
        advance();
    }
    tick.due_ns = static_cast<double>(position_) * frame_ns_;
    pair_pending_ = false;
}

std::uint64_t SimTimeline::skip_until(double now_ns) noexcept {
    const std::uint64_t before = position_;
    skip_whole_cycles(static_cast<double>(position_) * frame_ns_, now_ns);
    while (static_cast<double>(position_ + block_after(0)) * frame_ns_ <= now_ns) advance();
    pair_pending_ = false;
    return position_ - before;
}

}  // namespace sidetone::device
