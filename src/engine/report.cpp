// SPDX-License-Identifier: Apache-2.0
#include "engine/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sidetone::engine {
namespace {

nlohmann::json counted(const std::optional<std::uint64_t>& count) {
    return count ? nlohmann::json(*count) : nlohmann::json(nullptr);
}

std::string counted_text(const std::optional<std::uint64_t>& count) {
    return count ? std::to_string(*count) : "not counted";
}

nlohmann::json to_json(const std::optional<ClockReport>& clocks) {
    if (!clocks) return nullptr;
    return {{"correction_ppm", clocks->correction_ppm},
            {"delay_ms",
             {{"target", clocks->target_ms}, {"least", clocks->least_delay_ms}, {"most", clocks->most_delay_ms}}},
            {"under_runs", clocks->under_runs},
            {"recentres", clocks->recentres},
            {"dropped_frames", clocks->dropped_frames}};
}

nlohmann::json to_json(const std::optional<StallReport>& stalls) {
    if (!stalls) return nullptr;
    return {{"count", stalls->count}, {"longest_ms", stalls->longest_ms}};
}

std::string clock_text(const ClockReport& clocks) {
    return fmt::format(
        "  clocks    {:+.1f} ppm apart; delay between them {:.2f} to {:.2f} ms (set to {:.2f}), {} under-runs, set "
        "anew {} times, {} frames dropped\n",
        clocks.correction_ppm, clocks.least_delay_ms, clocks.most_delay_ms, clocks.target_ms, clocks.under_runs,
        clocks.recentres, clocks.dropped_frames);
}

std::string line_text(const LedgerLine& line, std::size_t width) {
    const auto budget = line.budget_us == 0
                            ? std::string{"-"}
                            : fmt::format("{:.0f}{}", line.budget_us, line.is_within_budget() ? " ok" : " OVER");
    return fmt::format("  {:<{}} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f} {:>9} {:>9}\n", line.name, width,
                       line.us.p50, line.us.p95, line.us.p99, line.us.p999, line.us.max, line.us.count, budget);
}

}  // namespace

nlohmann::json to_json(const rt::Distribution& d) {
    return {{"p50", d.p50}, {"p95", d.p95}, {"p99", d.p99}, {"p999", d.p999}, {"max", d.max}, {"count", d.count}};
}

nlohmann::json to_json(const Report& r) {
    auto stages = nlohmann::json::array();
    for (const auto& line : r.lines) {
        stages.push_back(
            {{"name", line.name},
             {"us", to_json(line.us)},
             {"budget_us", line.budget_us == 0 ? nlohmann::json(nullptr) : nlohmann::json(line.budget_us)}});
    }
    return {{"chain", r.chain},
            {"card", r.card},
            {"rate_hz", r.rate_hz},
            {"block_frames", r.block_frames},
            {"channels", r.channels},
            {"delay_frames", r.delay_frames},
            {"seconds", r.seconds},
            {"blocks", r.blocks},
            {"misses", r.misses},
            {"misses_external", {{"card", r.misses_card}, {"stolen", r.misses_stolen}}},
            {"events_dropped", r.events_dropped},
            {"xruns", r.xruns},
            {"outages", r.outages},
            {"longest_outage_ms", r.longest_outage_ms},
            {"not_finite", r.not_finite},
            {"model_failures", r.model_failures},
            {"heap_calls", counted(r.heap_calls)},
            {"locks", counted(r.locks)},
            {"worker_heap_calls", counted(r.worker_heap_calls)},
            {"worker_locks", counted(r.worker_locks)},
            {"page_faults", counted(r.page_faults)},
            {"cpu_share", r.cpu_share},
            {"latency_ms",
             {{"capture", r.latency.capture_ms},
              {"chain", r.latency.chain_ms},
              {"compute", r.latency.compute_ms},
              {"playback", r.latency.playback_ms},
              {"total", r.latency.total_ms()}}},
            {"peaks_dbfs", {{"in", r.input_peaks_dbfs}, {"out", r.output_peaks_dbfs}}},
            {"clocks", to_json(r.clocks)},
            {"stalls", to_json(r.stalls)},
            {"stages", stages},
            {"decisions", r.decisions}};
}

std::string to_text(const Report& r) {
    std::size_t width = 16;
    for (const auto& line : r.lines) width = std::max(width, line.name.size());
    auto text = fmt::format("\n{}: {:.1f} s at {} Hz, {} frames a block, {} channel{}\n", r.chain, r.seconds, r.rate_hz,
                            r.block_frames, r.channels, r.channels == 1 ? "" : "s");
    for (const auto& decision : r.decisions) text += fmt::format("  {}\n", decision);
    text += fmt::format("\n  {:<{}} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "microseconds", width, "p50", "p95",
                        "p99", "p99.9", "max", "count", "budget");
    for (const auto& line : r.lines) {
        if (line.us.count != 0) text += line_text(line, width);
    }
    text += fmt::format(
        "\n  latency   capture {:.2f} + chain {:.2f} + playback {:.2f} = {:.2f} ms (compute {:.2f} ms inside; "
        "converters unknown)\n",
        r.latency.capture_ms, r.latency.chain_ms, r.latency.playback_ms, r.latency.total_ms(), r.latency.compute_ms);
    text += fmt::format("  blocks    {}, misses {} (ours), {} card, {} stolen, {} xruns, {} outages\n", r.blocks,
                        r.misses, r.misses_card, r.misses_stolen, r.xruns, r.outages);
    if (r.stalls) {
        text += fmt::format("  machine   stood still {} times for 0.3 ms and more, {:.1f} ms at the longest\n",
                            r.stalls->count, r.stalls->longest_ms);
    }
    if (!r.output_peaks_dbfs.empty()) {
        text += fmt::format("  peaks     in {:.1f}; out {:.1f} dB of full scale\n", fmt::join(r.input_peaks_dbfs, " "),
                            fmt::join(r.output_peaks_dbfs, " "));
    }
    if (r.clocks) text += clock_text(*r.clocks);
    text += fmt::format("  audio     heap calls {}, locks {}; worker heap calls {}, locks {}; page faults {}\n",
                        counted_text(r.heap_calls), counted_text(r.locks), counted_text(r.worker_heap_calls),
                        counted_text(r.worker_locks), counted_text(r.page_faults));
    text += fmt::format("  processor {:.1f} % of one core\n", 100 * r.cpu_share);
    if (r.not_finite != 0) text += fmt::format("  replaced  {} samples that were NaN or infinite\n", r.not_finite);
    if (r.events_dropped != 0)
        text += fmt::format("  log full  {} events are not in it: there may be more misses\n", r.events_dropped);
    return text;
}

}  // namespace sidetone::engine
