// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace sidetone::dsp {

/// What one band of a compressor does to a steady sound: gain in dB by its level in dB SPL. Control thread only.
struct GainCurve {
    struct Point {
        double level_db_spl, gain_db;
    };

    /// One at least; levels rise. On straight lines between them, level outside of them.
    std::vector<Point> points;
    /// Corners are rounded within half of this on either side.
    double knee_db = 0;
    /// Below this level each dB less comes out as `expansion_ratio` dB less, until that has taken 30 dB away.
    std::optional<double> expansion_below_db_spl;
    double expansion_ratio = 2;
    /// Level and gain together are never above this.
    std::optional<double> output_limit_db_spl;

    [[nodiscard]] double gain_db(double level_db_spl) const noexcept;
};

/// Where `points` cannot be the gains of a compressor, the index of the first of two neighbours that are wrong: levels
/// rise, gains do not, and fall by no more than the level rises, so that what is louder at the input is never softer
/// at the output. No value: all is well.
[[nodiscard]] std::optional<std::size_t> fault_in(const std::vector<GainCurve::Point>& points) noexcept;

/// A curve at every whole decibel, for the audio thread.
class GainTable {
public:
    static constexpr int kLowestDbSpl = -20, kHighestDbSpl = 150;

    /// `more_db` gives what is to be added at a level, before the output limit; `after_db` is added behind it.
    explicit GainTable(const GainCurve& curve, const std::function<double(double)>& more_db = {}, double after_db = 0);

    /// On straight lines between whole decibels; outside of the range as at its ends. Any thread.
    [[nodiscard]] float gain_db(float level_db_spl) const noexcept {
        const float above = level_db_spl - kLowestDbSpl;
        const float place = above > 0 ? (above < kLast ? above : kLast) : 0;
        const auto row = static_cast<std::size_t>(place);
        return gain_db_[row] + (place - static_cast<float>(row)) * (gain_db_[row + 1] - gain_db_[row]);
    }

private:
    static constexpr float kLast = kHighestDbSpl - kLowestDbSpl;
    std::array<float, kHighestDbSpl - kLowestDbSpl + 2> gain_db_{};
};

/// Attack and release time as IEC 60118-2 and ANSI S3.22 define them: when the level jumps from 55 to 90 dB SPL, the
/// time until the output is within 3 dB of what it settles at; when it jumps back, within 4 dB.
inline constexpr double kStepLowDbSpl = 55, kStepHighDbSpl = 90, kStepDb = kStepHighDbSpl - kStepLowDbSpl;
inline constexpr double kAttackToleranceDb = 3, kReleaseToleranceDb = 4;

/// How far the level that `curve` is read at may be from the real one, after each step, for the output to count as
/// settled. At most kStepDb / e, which compression below 1.3 : 1 or so reaches sooner than the time that was set.
[[nodiscard]] double attack_distance_db(const GainCurve& curve) noexcept;
[[nodiscard]] double release_distance_db(const GainCurve& curve) noexcept;

/// The share of the difference that a level in dB must go with each hop to come within `distance_db` of its end in
/// `hops` hops after a step of kStepDb: kStepDb (1 - share)^hops = distance.
[[nodiscard]] double smoothing_share(double distance_db, double hops) noexcept;

}  // namespace sidetone::dsp
