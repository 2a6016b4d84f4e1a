// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace sidetone::dsp {

/// A stretch of a recording in which one channel alone sounds.
struct SoloTurn {
    std::size_t channel = 0;
    std::size_t begin = 0, end = 0;  ///< frames of its sound, within 20 ms
    std::size_t next = 0;            ///< where the next turn begins, or the recording ends
};

struct SoloTurns {
    struct Overlap {
        std::size_t one = 0, other = 0, frame = 0;
    };
    std::vector<SoloTurn> turns;     ///< in time
    std::optional<Overlap> overlap;  ///< the first two channels that sound at once; the turns are those before it
};

/// Who sounds when: a channel sounds where it comes within 60 dB of the loudest sample of all. The channels are equally
/// long. Control thread.
[[nodiscard]] SoloTurns solo_turns(std::span<const std::vector<float>> channels, double rate_hz);

}  // namespace sidetone::dsp
