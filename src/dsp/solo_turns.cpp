// SPDX-License-Identifier: Apache-2.0
#include "dsp/solo_turns.hpp"

#include <algorithm>
#include <cmath>

namespace sidetone::dsp {
namespace {

constexpr float kQuietest = 0.001F;  // of the loudest sample
constexpr double kStepSeconds = 0.01;

float peak_of(const std::vector<float>& channel, std::size_t begin, std::size_t end) {
    float peak = 0;
    for (std::size_t n = begin; n < end; ++n) peak = std::max(peak, std::abs(channel[n]));
    return peak;
}

}  // namespace

SoloTurns solo_turns(std::span<const std::vector<float>> channels, double rate_hz) {
    SoloTurns result;
    const std::size_t frames = channels.empty() ? 0 : channels.front().size();
    float loudest = 0;
    for (const auto& channel : channels) loudest = std::max(loudest, peak_of(channel, 0, frames));
    const auto step = std::max<std::size_t>(1, static_cast<std::size_t>(kStepSeconds * rate_hz));
    auto& turns = result.turns;
    for (std::size_t begin = 0; begin < frames && loudest > 0; begin += step) {
        const std::size_t end = std::min(begin + step, frames);
        std::optional<std::size_t> sounding;
        for (std::size_t c = 0; c < channels.size(); ++c) {
            if (peak_of(channels[c], begin, end) < kQuietest * loudest) continue;
            if (sounding) {
                result.overlap = {.one = *sounding, .other = c, .frame = begin};
                return result;
            }
            sounding = c;
        }
        if (!sounding) continue;
        // A sound begins and ends below the threshold: a step each way.
        const std::size_t from = begin - std::min(begin, step);
        if (turns.empty() || turns.back().channel != *sounding) {
            if (!turns.empty()) {
                turns.back().next = from;
                turns.back().end = std::min(turns.back().end, from);
            }
            turns.push_back({.channel = *sounding, .begin = from, .end = end, .next = frames});
        }
        turns.back().end = std::min(end + step, frames);
    }
    return result;
}

}  // namespace sidetone::dsp
