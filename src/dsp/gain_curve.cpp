// SPDX-License-Identifier: Apache-2.0
#include "dsp/gain_curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sidetone::dsp {

namespace {

constexpr double kMostExpansionDb = 30;
constexpr double kSearchStepDb = 0.05;

double on_straight_lines(const std::vector<GainCurve::Point>& points, double level_db_spl) noexcept {
    if (level_db_spl <= points.front().level_db_spl) return points.front().gain_db;
    for (std::size_t p = 1; p < points.size(); ++p) {
        const auto& [low, low_gain_db] = points[p - 1];
        const auto& [high, high_gain_db] = points[p];
        if (level_db_spl < high) return std::lerp(low_gain_db, high_gain_db, (level_db_spl - low) / (high - low));
    }
    return points.back().gain_db;
}

double with_corners_db(const GainCurve& curve, double level_db_spl) noexcept {
    if (!curve.expansion_below_db_spl || level_db_spl >= *curve.expansion_below_db_spl) {
        return on_straight_lines(curve.points, level_db_spl);
    }
    const double below_db = *curve.expansion_below_db_spl - level_db_spl;
    return on_straight_lines(curve.points, level_db_spl) -
           std::min(kMostExpansionDb, (curve.expansion_ratio - 1) * below_db);
}

/// The mean over `knee_db` around the level: straight lines stay as they are, a corner becomes a parabola.
double with_knees_db(const GainCurve& curve, double level_db_spl) noexcept {
    if (curve.knee_db <= 0) return with_corners_db(curve, level_db_spl);
    constexpr int kPieces = 16;
    double sum = 0;
    for (int piece = 0; piece < kPieces; ++piece) {
        sum += with_corners_db(curve, level_db_spl + curve.knee_db * ((piece + 0.5) / kPieces - 0.5));
    }
    return sum / kPieces;
}

}  // namespace

double GainCurve::gain_db(double level_db_spl) const noexcept {
    const double gain = with_knees_db(*this, level_db_spl);
    return output_limit_db_spl ? std::min(gain, *output_limit_db_spl - level_db_spl) : gain;
}

std::optional<std::size_t> fault_in(const std::vector<GainCurve::Point>& points) noexcept {
    constexpr double kRounding = 1e-6;
    for (std::size_t p = 0; p + 1 < points.size(); ++p) {
        const double louder_db = points[p + 1].level_db_spl - points[p].level_db_spl;
        const double less_gain_db = points[p].gain_db - points[p + 1].gain_db;
        if (!(louder_db > 0) || less_gain_db < -kRounding || less_gain_db > louder_db + kRounding) return p;
    }
    return std::nullopt;
}

GainTable::GainTable(const GainCurve& curve, const std::function<double(double)>& more_db, double after_db) {
    for (std::size_t row = 0; row < gain_db_.size(); ++row) {
        const double level_db_spl = static_cast<double>(row) + kLowestDbSpl;
        double gain = curve.gain_db(level_db_spl) + (more_db ? more_db(level_db_spl) : 0);
        if (curve.output_limit_db_spl) gain = std::min(gain, *curve.output_limit_db_spl - level_db_spl);
        gain_db_[row] = static_cast<float>(gain + after_db);
    }
}

namespace {

/// The level nearest to `settled` in `direction` at which the gain is off by more than `tolerance_db`, as a distance.
double distance_db(const GainCurve& curve, double settled_db_spl, double direction, double tolerance_db) noexcept {
    constexpr double kLongest = kStepDb / std::numbers::e;
    const double settled_gain_db = curve.gain_db(settled_db_spl);
    for (int step = 1; step * kSearchStepDb < kLongest; ++step) {
        const double distance = step * kSearchStepDb;
        if (std::fabs(curve.gain_db(settled_db_spl + direction * distance) - settled_gain_db) > tolerance_db) {
            return distance;
        }
    }
    return kLongest;
}

}  // namespace

double attack_distance_db(const GainCurve& curve) noexcept {
    return distance_db(curve, kStepHighDbSpl, -1, kAttackToleranceDb);
}

double release_distance_db(const GainCurve& curve) noexcept {
    return distance_db(curve, kStepLowDbSpl, 1, kReleaseToleranceDb);
}

double smoothing_share(double distance_db, double hops) noexcept {
    return hops <= 0 ? 1 : 1 - std::pow(distance_db / kStepDb, 1 / hops);
}

}  // namespace sidetone::dsp
