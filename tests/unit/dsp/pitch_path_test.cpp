// SPDX-License-Identifier: Apache-2.0
#include "dsp/pitch_path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <vector>

namespace sidetone::dsp {
namespace {

constexpr std::size_t kBins = 5, kFrames = 6;

/// Probabilities of frames: kBins, then that of being unvoiced.
using Frames = std::vector<std::vector<float>>;
/// A state for each frame; kBins is unvoiced.
using Way = std::vector<std::size_t>;

double score(const Way& way, const Frames& frames, const PitchPath::Design& design) {
    double sum = 0;
    for (std::size_t t = 0; t < way.size(); ++t) {
        sum += std::log(static_cast<double>(frames[t][way[t]]) + design.likeliness);
        const std::size_t from = t == 0 ? kBins : way[t - 1], to = way[t];
        if ((from == kBins) != (to == kBins)) sum -= design.voicing_cost;
        if (from == kBins || to == kBins) continue;
        const auto distance = static_cast<std::size_t>(std::abs(static_cast<int>(from) - static_cast<int>(to)));
        const double cost = design.bin_cost * static_cast<double>(distance);
        sum -= distance <= design.reach ? std::min(cost, design.jump_cost) : design.jump_cost;
    }
    return sum;
}

Way best_of_all(const Frames& frames, const PitchPath::Design& design) {
    Way way(frames.size(), 0), best;
    double highest = -1e300;
    for (bool more = true; more;) {
        if (const double found = score(way, frames, design); found > highest) {
            highest = found;
            best = way;
        }
        std::size_t t = 0;
        while (t < way.size() && ++way[t] > kBins) way[t++] = 0;
        more = t < way.size();
    }
    return best;
}

TEST(PitchPath, IsTheBestOfAllWays) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> uniform(0, 1);
    for (int turn = 0; turn < 60; ++turn) {
        const PitchPath::Design design{.bins = kBins,
                                       .lag = kFrames,
                                       .reach = 1 + static_cast<std::size_t>(turn) % 4,
                                       .bin_cost = 0.3,
                                       .jump_cost = 2,
                                       .voicing_cost = 1};
        PitchPath path(design);
        Frames frames;
        for (std::size_t t = 0; t < kFrames; ++t) {
            auto& frame = frames.emplace_back();
            for (std::size_t n = 0; n <= kBins; ++n) frame.push_back(std::pow(uniform(random), 6.0F));
            path.push(std::span(frame).first(kBins), frame.back());
        }
        const auto best = best_of_all(frames, design);
        for (std::size_t t = 0; t < kFrames; ++t) {
            const auto state = path.state(kFrames - 1 - t);
            ASSERT_EQ(state == PitchPath::kUnvoiced ? kBins : state, best[t]) << turn << ' ' << t;
        }
    }
}

TEST(PitchPath, StaysExactHoweverLongItRuns) {
    PitchPath path({.bins = 217});
    std::vector<float> frame(217, 0.0F);
    frame[100] = 0.9F;
    for (int t = 0; t < 200'000; ++t) path.push(frame, 0.1F);
    EXPECT_EQ(path.state(4), 100U);
    // A frame without a pitch does not end a voice, a second of them does.
    path.push(std::vector<float>(217, 0.0F), 1.0F);
    for (int t = 0; t < 3; ++t) path.push(frame, 0.1F);
    EXPECT_EQ(path.state(3), 100U);
    for (int t = 0; t < 100; ++t) path.push(std::vector<float>(217, 0.0F), 1.0F);
    EXPECT_EQ(path.state(4), PitchPath::kUnvoiced);
}

TEST(PitchPath, RefusesDesignsThatCannotBe) {
    EXPECT_THROW(PitchPath({.bins = 0}), std::invalid_argument);
    EXPECT_THROW(PitchPath({.lag = 1001}), std::invalid_argument);
    EXPECT_THROW(PitchPath({.likeliness = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
