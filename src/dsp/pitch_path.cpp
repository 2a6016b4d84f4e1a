// SPDX-License-Identifier: Apache-2.0
#include "dsp/pitch_path.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "dsp/pitch_path_kernels.hpp"

namespace sidetone::dsp {
namespace {

constexpr float kNever = -1e30F;

const PitchPath::Design& checked(const PitchPath::Design& design) {
    if (design.bins < 1 || design.bins > 10'000)
        throw std::invalid_argument("pitch path: found " + std::to_string(design.bins) + " bins, expected 1 to 10000");
    if (design.lag > 1000)
        throw std::invalid_argument("pitch path: found a lag of " + std::to_string(design.lag) +
                                    " frames, expected 0 to 1000");
    if (!(design.likeliness > 0)) throw std::invalid_argument("pitch path: expected a likeliness above 0");
    return design;
}

std::vector<float> costs_of(const PitchPath::Design& design) {
    std::vector<float> costs;
    for (std::size_t distance = 0; distance <= design.reach; ++distance)
        costs.push_back(static_cast<float>(design.bin_cost * static_cast<double>(distance)));
    return costs;
}

}  // namespace

PitchPath::PitchPath(const Design& design)
    : design_(checked(design)),
      costs_(costs_of(design)),
      scores_(design.bins + 2 * design.reach),
      best_(design.bins),
      likeliness_(design.bins),
      from_(design.bins),
      sources_((design.lag + 1) * (design.bins + 1)) {
    reset();
}

void PitchPath::reset() noexcept {
    std::fill(scores_.begin(), scores_.end(), kNever);
    unvoiced_ = 0;
    frames_ = 0;
    best_state_ = design_.bins;
}

void PitchPath::push(std::span<const float> bins, float unvoiced) noexcept {
    const auto added = static_cast<float>(design_.likeliness);
    const auto jump = static_cast<float>(design_.jump_cost), change = static_cast<float>(design_.voicing_cost);
    float* scores = scores_.data() + design_.reach;
    const auto best_bin = static_cast<std::size_t>(std::max_element(scores, scores + design_.bins) - scores);
    const float highest = scores[best_bin];

    best_neighbours(costs_, scores_.data(), best_.data(), from_.data(), design_.bins);
    logarithms(bins.data(), added, likeliness_.data(), design_.bins);
    auto* source = sources(frames_);
    float most = kNever;
    std::size_t most_likely = design_.bins;
    for (std::size_t bin = 0; bin < design_.bins; ++bin) {
        float best = best_[bin];
        auto from = static_cast<std::size_t>(from_[bin]);
        if (highest - jump > best) {
            best = highest - jump;
            from = best_bin;
        }
        if (unvoiced_ - change > best) {
            best = unvoiced_ - change;
            from = design_.bins;
        }
        scores[bin] = best + likeliness_[bin];
        source[bin] = static_cast<std::uint16_t>(from);
        if (scores[bin] > most) {
            most = scores[bin];
            most_likely = bin;
        }
    }
    const bool ends = highest - change > unvoiced_;
    source[design_.bins] = static_cast<std::uint16_t>(ends ? best_bin : design_.bins);
    unvoiced_ = (ends ? highest - change : unvoiced_) + std::log(unvoiced + added);
    best_state_ = most > unvoiced_ ? most_likely : design_.bins;

    // Only differences count: scores stay near 0 however long it runs.
    const float offset = std::max(most, unvoiced_);
    unvoiced_ -= offset;
    for (std::size_t bin = 0; bin < design_.bins; ++bin) scores[bin] -= offset;
    ++frames_;
}

std::size_t PitchPath::state(std::size_t back) const noexcept {
    std::size_t state = best_state_;
    for (std::size_t n = 0; n < back; ++n) state = sources(frames_ - 1 - n)[state];
    return state == design_.bins ? kUnvoiced : state;
}

std::uint16_t* PitchPath::sources(std::uint64_t frame) noexcept {
    return sources_.data() + frame % (design_.lag + 1) * (design_.bins + 1);
}

const std::uint16_t* PitchPath::sources(std::uint64_t frame) const noexcept {
    return sources_.data() + frame % (design_.lag + 1) * (design_.bins + 1);
}

}  // namespace sidetone::dsp
