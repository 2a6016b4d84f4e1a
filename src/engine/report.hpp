// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/ledger.hpp"
#include "rt/histogram.hpp"

namespace sidetone::engine {

/// From the microphone's converter to the ear's, the converters themselves not included (a card does not tell).
struct Latency {
    double capture_ms = 0;   ///< the card's capture period and buffers
    double chain_ms = 0;     ///< the chain's algorithmic delay; a pipelined stage's extra block is in it
    double compute_ms = 0;   ///< p99 of the callback; it runs within the playback period and is not added
    double playback_ms = 0;  ///< the card's playback period and buffers
    [[nodiscard]] double total_ms() const noexcept { return capture_ms + chain_ms + playback_ms; }
};

/// How the clocks of two cards got on that were joined to one.
struct ClockReport {
    double correction_ppm = 0;                                    ///< at the end: how far the clocks are apart
    double target_ms = 0, least_delay_ms = 0, most_delay_ms = 0;  ///< between them; part of the capture
    std::uint64_t under_runs = 0, recentres = 0, dropped_frames = 0;
};

/// How often the machine stood still, as far as it was watched for.
struct StallReport {
    std::uint64_t count = 0;  ///< all processors
    double longest_ms = 0;
};

/// What one run came to.
struct Report {
    std::string chain, card;
    std::uint32_t rate_hz = 0, block_frames = 0, channels = 0, delay_frames = 0;
    double seconds = 0;
    std::uint64_t blocks = 0;
    std::uint64_t misses = 0, misses_card = 0, misses_stolen = 0;
    std::uint64_t events_dropped = 0;  ///< what happened and did not fit into the log: more may have been missed
    std::uint64_t xruns = 0, not_finite = 0, model_failures = 0, outages = 0;
    double longest_outage_ms = 0;
    std::optional<std::uint64_t> heap_calls, locks;  ///< on the audio thread; nothing: not counted
    std::optional<std::uint64_t> worker_heap_calls, worker_locks;
    std::optional<std::uint64_t> page_faults;                ///< audio thread and worker, while sound ran
    std::vector<float> input_peaks_dbfs, output_peaks_dbfs;  ///< of each channel; none offline
    double cpu_share = 0;                                    ///< of one core, the whole process
    Latency latency;
    std::optional<ClockReport> clocks;  ///< nothing: there was only one clock
    std::optional<StallReport> stalls;  ///< nothing: nobody watched
    std::vector<LedgerLine> lines;
    std::vector<std::string> decisions;
};

/// The contract of DESIGN section 9.
[[nodiscard]] nlohmann::json to_json(const Report& report);
[[nodiscard]] nlohmann::json to_json(const rt::Distribution& distribution);

/// The ledger as a table for people.
[[nodiscard]] std::string to_text(const Report& report);

}  // namespace sidetone::engine
