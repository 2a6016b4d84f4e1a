// SPDX-License-Identifier: Apache-2.0
#include "dsp/pitch.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace sidetone::dsp {
namespace {

constexpr double kBinsAnOctave = 60;
// A voice that goes through a bin without a candidate has the nearest one so many bins away.
constexpr std::size_t kNearBins = 3;

const Pitch::Design& checked(const Pitch::Design& design) {
    if (!(design.low_hz >= 40 && design.low_hz < design.high_hz && design.high_hz <= 1000))
        throw std::invalid_argument("pitch: expected 40 Hz <= lowest < highest <= 1000 Hz");
    if (!(design.hop_seconds >= 0.001 && design.hop_seconds <= 0.02))
        throw std::invalid_argument("pitch: expected a hop of 1 to 20 ms");
    if (!(design.sharpness > 0)) throw std::invalid_argument("pitch: expected a sharpness above 0");
    return design;
}

std::size_t bins_of(const Pitch::Design& design) {
    return 1 + static_cast<std::size_t>(std::ceil(kBinsAnOctave * std::log2(design.high_hz / design.low_hz)));
}

PitchPath::Design path_of(const Pitch::Design& design) {
    auto path = design.path;
    path.bins = bins_of(design);
    return path;
}

/// The highest point of the parabola through (-1, a), (0, b) and (1, c), b the highest of them.
struct Peak {
    double at, value;
};
Peak peak(double a, double b, double c) {
    const double bend = 2 * b - a - c;
    if (!(bend > 0)) return {.at = 0, .value = b};
    const double at = (c - a) / (2 * bend);
    return {.at = at, .value = b + (c - a) * at / 4};
}

}  // namespace

Pitch::Pitch(const Design& design)
    : design_(checked(design)),
      shortest_lag_(static_cast<std::size_t>(design.rate_hz / design.high_hz)),
      longest_lag_(static_cast<std::size_t>(std::ceil(design.rate_hz / design.low_hz))),
      periodicity_(design.rate_hz, longest_lag_ + 1),
      windows_({.length = periodicity_.length(),
                .hop = static_cast<std::size_t>(std::lround(design.hop_seconds * design.rate_hz)),
                .edges = WindowEdges::silent}),
      path_(path_of(design)),
      bins_(bins_of(design)),
      probability_(bins_),
      pitch_hz_((design.path.lag + 1) * bins_),
      voicing_(design.path.lag + 1) {}

void Pitch::reset() noexcept {
    windows_.reset();
    path_.reset();
}

void Pitch::analyse(const float* window) noexcept {
    periodicity_.analyse(window);
    const auto slot = static_cast<std::size_t>(path_.frames() % voicing_.size());
    std::fill(probability_.begin(), probability_.end(), 0.0F);
    std::fill_n(pitch_hz_.begin() + static_cast<std::ptrdiff_t>(slot * bins_), bins_, 0.0F);
    if (10 * std::log10(periodicity_.power()) >= design_.least_level_db) find_candidates();
    double sum = 0;
    for (const float weight : probability_) sum += static_cast<double>(weight);
    const double unvoiced = std::exp(design_.sharpness * design_.unvoiced_score);
    const auto share = static_cast<float>(1 / (sum + unvoiced));
    for (float& weight : probability_) weight *= share;
    voicing_[slot] = static_cast<float>(sum / (sum + unvoiced));
    path_.push(probability_, 1 - voicing_[slot]);
}

// Leaves in probability_ what is in proportion to it.
void Pitch::find_candidates() noexcept {
    const auto likeness = periodicity_.likeness();
    for (std::size_t lag = shortest_lag_; lag <= longest_lag_; ++lag) {
        if (likeness[lag] > likeness[lag - 1] && likeness[lag] >= likeness[lag + 1] && likeness[lag] > 0)
            add_candidate(lag);
    }
}

void Pitch::add_candidate(std::size_t lag) noexcept {
    const auto likeness = periodicity_.likeness();
    const auto found = peak(likeness[lag - 1], likeness[lag], likeness[lag + 1]);
    const double pitch_hz = design_.rate_hz / (static_cast<double>(lag) + found.at);
    const double bin = std::round(kBinsAnOctave * std::log2(pitch_hz / design_.low_hz));
    if (!(bin >= 0 && bin < static_cast<double>(bins_))) return;  // what is no number is in none
    const double score = std::min(found.value, 1.0) - design_.octave_cost * std::log2(design_.high_hz / pitch_hz);
    const auto n = static_cast<std::size_t>(bin);
    const auto slot = static_cast<std::size_t>(path_.frames() % voicing_.size());
    const auto weight = static_cast<float>(std::exp(design_.sharpness * score));
    if (weight <= probability_[n]) return;
    probability_[n] = weight;
    pitch_hz_[slot * bins_ + n] = static_cast<float>(pitch_hz);
}

PitchFrame Pitch::frame(std::size_t back) const noexcept {
    const auto slot = static_cast<std::size_t>((path_.frames() - 1 - back) % voicing_.size());
    const std::size_t bin = path_.state(back);
    if (bin == PitchPath::kUnvoiced) return {.voicing = voicing_[slot]};
    const float* found = pitch_hz_.data() + slot * bins_;
    float pitch_hz = found[bin];
    for (std::size_t away = 1; away <= kNearBins && pitch_hz <= 0; ++away) {
        if (bin >= away) pitch_hz = found[bin - away];
        if (pitch_hz <= 0 && bin + away < bins_) pitch_hz = found[bin + away];
    }
    if (pitch_hz <= 0)
        pitch_hz = static_cast<float>(design_.low_hz * std::exp2(static_cast<double>(bin) / kBinsAnOctave));
    return {.f0_hz = pitch_hz, .voicing = voicing_[slot]};
}

}  // namespace sidetone::dsp
