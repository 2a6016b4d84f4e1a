// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cli/transport_pipeline.hpp"
#include "device/sim_card.hpp"
#include "engine/tally.hpp"
#include "rt/stall_watch.hpp"

namespace sidetone::cli::transport {

/// What all slices of one pipeline at one block size came to.
struct Outcome {
    Figures figures;
    rt::Histogram lateness;  ///< of the card's thread: due to awake
    std::uint64_t blocks = 0;
    std::uint64_t misses[3] = {};  ///< by engine::Cause
    std::uint64_t heap_calls = 0, locks = 0, worker_heap_calls = 0, worker_locks = 0;
    double counted_s = 0, cpu_s = 0;

    [[nodiscard]] std::uint64_t misses_of(engine::Cause cause) const noexcept {
        return misses[static_cast<std::size_t>(cause)];
    }
    [[nodiscard]] double cpu_share() const noexcept { return counted_s > 0 ? cpu_s / counted_s : 0; }
    /// On the audio thread and the worker together.
    [[nodiscard]] CopyCount copies() const noexcept;
};

/// The card that every pipeline is put on: 16-bit interleaved mono, paced by a real-time thread. `sound` is played over
/// and over and must outlive the card.
[[nodiscard]] device::SimSettings card_settings(std::uint32_t rate_hz, std::uint32_t block_frames,
                                                std::span<const float> sound);

/// Puts `pipeline` on the card for `seconds` that count, after a moment that does not, and adds what was seen to
/// `outcome`. With `stalls`, which is asked on this thread, a miss is stolen where stalls excuse it, and only there: a
/// callback that ended late by all of its lateness, lost blocks by half of them, a missing result by any within two
/// periods (as in engine::Tally).
void run_slice(Pipeline& pipeline, const device::SimSettings& card, double seconds, const rt::StallFinder& stalls,
               Outcome& outcome);

}  // namespace sidetone::cli::transport
