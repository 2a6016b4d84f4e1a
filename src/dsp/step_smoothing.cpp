// SPDX-License-Identifier: Apache-2.0
#include "dsp/step_smoothing.hpp"

#include <cmath>

namespace sidetone::dsp {

StepSmoothing::StepSmoothing(const FrameFormat& format)
    : hop_ms_(1000 * static_cast<double>(format.hop) / format.rate_hz),
      lead_hops_(static_cast<double>(format.synthesis) / 2 / static_cast<double>(format.hop)) {
    const auto window = format.analysis_window;
    double energy = 0;
    for (const double sample : window) energy += sample * sample;
    const double step = std::pow(10.0, kStepDb / 10);
    double newer = 0;  // share of the window's energy that lies after the jump
    std::size_t done = 0;
    for (std::size_t until = format.hop / 2; done < window.size(); until += format.hop) {
        for (; done < until && done < window.size(); ++done) {
            const double sample = window[window.size() - 1 - done];
            newer += sample * sample / energy;
        }
        rising_off_db_.push_back(10 * std::log10(step / (newer * step + (1 - newer))));
        falling_off_db_.push_back(10 * std::log10((1 - newer) * step + newer));
    }
}

double StepSmoothing::attack_share(const GainCurve& curve, double attack_ms) const {
    return share(rising_off_db_, attack_distance_db(curve), attack_ms);
}

double StepSmoothing::release_share(const GainCurve& curve, double release_ms) const {
    return share(falling_off_db_, release_distance_db(curve), release_ms);
}

/// Hops from the jump until the smoothed level is within `distance_db`, as the output shows it.
double StepSmoothing::settled_after_hops(const std::vector<double>& off_db, double distance_db, double share,
                                         double at_most) const {
    double level_off_db = kStepDb;
    for (std::size_t frame = 0;; ++frame) {
        const double before_db = level_off_db;
        const double frame_off_db = frame < off_db.size() ? off_db[frame] : 0;
        level_off_db += share * (frame_off_db - level_off_db);
        const double ended = static_cast<double>(frame) + 0.5 - lead_hops_;
        if (level_off_db <= distance_db) return ended - (distance_db - level_off_db) / (before_db - level_off_db);
        if (ended > at_most) return ended;
    }
}

double StepSmoothing::share(const std::vector<double>& off_db, double distance_db, double milliseconds) const {
    const double hops = milliseconds / hop_ms_;
    double slower = smoothing_share(distance_db, hops + 1) / 2;
    double faster = 1;
    if (settled_after_hops(off_db, distance_db, faster, hops) >= hops) return 1;
    for (int round = 0; round < 40; ++round) {
        const double middle = (slower + faster) / 2;
        (settled_after_hops(off_db, distance_db, middle, hops) > hops ? slower : faster) = middle;
    }
    return faster;
}

}  // namespace sidetone::dsp
