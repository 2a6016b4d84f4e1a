// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "dsp/gain_curve.hpp"

namespace sidetone::dsp {

/// The frames of an AsymmetricFilterBank.
struct FrameFormat {
    double rate_hz;
    std::size_t hop;                         ///< samples between frames
    std::size_t synthesis;                   ///< how many of a frame's newest samples are sounded again
    std::span<const float> analysis_window;  ///< read while something is made of it only
};

/// How fast a compressor must follow the levels of frames for its output to settle in the time that was set.
///
/// Where a level jumps, `smoothing_share` has the answer in closed form. The analysis window turns the jump into a
/// slope, and frames take effect on average half a synthesis window before their end; so the share is sought that makes
/// the time right with both. Where the window alone is slower than that, there is no smoothing. Control thread only.
class StepSmoothing {
public:
    explicit StepSmoothing(const FrameFormat& format);

    /// The share of the difference between the smoothed level and a new one that each hop goes.
    [[nodiscard]] double attack_share(const GainCurve& curve, double attack_ms) const;
    [[nodiscard]] double release_share(const GainCurve& curve, double release_ms) const;

private:
    [[nodiscard]] double share(const std::vector<double>& off_db, double distance_db, double milliseconds) const;
    [[nodiscard]] double settled_after_hops(const std::vector<double>& off_db, double distance_db, double share,
                                            double at_most) const;

    double hop_ms_, lead_hops_;
    // How far the level of each frame after a jump is from where it goes, in dB; the jump is half-way between frames.
    std::vector<double> rising_off_db_, falling_off_db_;
};

}  // namespace sidetone::dsp
