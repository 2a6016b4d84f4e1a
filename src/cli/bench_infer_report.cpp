// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_infer_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/report.hpp"
#include "rt/guard.hpp"

namespace sidetone::cli::infer {
namespace {

constexpr double kNoticeableShare = 0.1;  // of a run: what backends without a rehearsal take is far less

// The runtime that the model's files were made for.
const Outcome* reference_of(const ModelResult& result, bool paced) {
    const auto found = std::ranges::find_if(
        result.outcomes, [&](const Outcome& outcome) { return outcome.backend != kNative && outcome.paced == paced; });
    return found == result.outcomes.end() ? nullptr : &*found;
}

std::optional<double> ratio_of(const ModelResult& result, const Outcome& outcome) {
    const auto* reference = reference_of(result, outcome.paced);
    const auto own = outcome.times->distribution_us().p50;
    if (reference == nullptr || own <= 0) return std::nullopt;
    return reference->times->distribution_us().p50 / own;
}

// To that backend, where it is the reference.
std::optional<double> ratio_to(const char* backend, const ModelResult& result, const Outcome& outcome) {
    const auto* reference = reference_of(result, outcome.paced);
    return reference != nullptr && reference->backend == backend ? ratio_of(result, outcome) : std::nullopt;
}

const char* ratio_heading(const ModelResult& result, bool paced) {
    const auto* reference = reference_of(result, paced);
    return reference != nullptr && reference->backend == "tflite" ? "TFL/this" : "ORT/this";
}

std::optional<double> difference_of(const ModelResult& result, const Outcome& outcome) {
    return reference_of(result, outcome.paced) == nullptr ? std::nullopt : std::optional{outcome.max_diff};
}

std::optional<double> peak_share_of(const ModelResult& result, const Outcome& outcome) {
    const auto seconds = outcome.times->distribution_us().p50 * 1e-6;
    if (!result.multiply_adds || seconds <= 0) return std::nullopt;
    return static_cast<double>(*result.multiply_adds) / (seconds * result.peak_multiply_adds_per_second);
}

std::optional<double> calls_a_run(const Outcome& outcome, std::uint64_t calls) {
    if (!rt::interposer_is_present()) return std::nullopt;
    return static_cast<double>(calls) / static_cast<double>(std::max<std::uint64_t>(outcome.times->count(), 1));
}

std::string text_of(const std::optional<double>& value, const char* format) {
    return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

nlohmann::json json_of(const auto& value) {
    return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

std::string times_of(const char* name, const rt::Histogram& times) {
    const auto us = times.distribution_us();
    return fmt::format("  {:<14} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.1f} {:>9.2f}", name, us.p50, us.p95, us.p99,
                       us.p999, us.max, us.p50 > 0 ? us.p999 / us.p50 : 0);
}

std::string rehearsals_row_of(const Outcome& outcome) {
    const auto least = kNoticeableShare * outcome.times->distribution_us().p50;
    if (outcome.rehearsals->distribution_us().p50 < least) return "";
    return times_of("  rehearsal", *outcome.rehearsals) + '\n';
}

std::string name_of(const Outcome& outcome) {
    return outcome.caller == Caller::callback ? outcome.backend + ", cold" : outcome.backend;
}

const LoadCost& load_of(const ModelResult& result, const Outcome& outcome) {
    const auto first = std::ranges::find(result.outcomes, outcome.backend, &Outcome::backend);
    return result.loads[static_cast<std::size_t>(first - result.outcomes.begin())];
}

std::string unstalled_row_of(const Outcome& outcome) {
    const auto left_out = outcome.times->count() - outcome.unstalled->count();
    return fmt::format("{} {} of {} left out\n", times_of("  unstalled", *outcome.unstalled), left_out,
                       outcome.times->count());
}

std::string row_of(const ModelResult& result, const Outcome& outcome) {
    const auto share = peak_share_of(result, outcome);
    const auto row = fmt::format(
        "{} {:>9} {:>8} {:>9} {:>7} {:>9} {:>9}\n{}\n", times_of(name_of(outcome).c_str(), *outcome.times),
        text_of(ratio_of(result, outcome), "{:.2f}"), share ? fmt::format("{:.1f} %", 100 * *share) : "-",
        text_of(calls_a_run(outcome, outcome.counts.heap_calls), "{:.1f}"),
        text_of(calls_a_run(outcome, outcome.counts.locks), "{:.1f}"), text_of(outcome.instructions, "{:.0f}"),
        text_of(difference_of(result, outcome), "{:.1e}"), times_of("  its floor", *outcome.floor));
    return row + rehearsals_row_of(outcome) + (result.watched ? unstalled_row_of(outcome) : "");
}

}  // namespace

std::vector<std::string> shortcomings(const ModelResult& result) {
    std::vector<std::string> lines;
    for (const auto& outcome : result.outcomes) {
        const auto say = [&](const std::string& what) {
            lines.push_back(fmt::format("{} ({}, {}): {}", result.model, name_of(outcome),
                                        outcome.paced ? "paced" : "back to back", what));
        };
        if (outcome.failed) say("a run failed");
        if (!(outcome.max_diff <= kMostDifference)) {
            say(fmt::format("its output differs by {:.1e} of the range, more than {:.0e}", outcome.max_diff,
                            kMostDifference));
        }
        if (outcome.backend == kNative && outcome.counts.heap_calls + outcome.counts.locks > 0) {
            say(fmt::format("{} heap calls and {} locks; it promises none", outcome.counts.heap_calls,
                            outcome.counts.locks));
        }
    }
    return lines;
}

std::string to_text(const ModelResult& result) {
    auto text = fmt::format("\n{}: a hop every {:.1f} ms", result.model, static_cast<double>(result.hop_ns) / 1e6);
    if (result.multiply_adds) {
        text +=
            fmt::format(", {:.1f} thousand multiply-adds; the peak is {:.1f} thousand million a second",
                        static_cast<double>(*result.multiply_adds) / 1e3, result.peak_multiply_adds_per_second / 1e9);
    }
    text += '\n';
    if (!result.refusal.empty()) text += fmt::format("  {}\n", result.refusal);
    for (const bool paced : {true, false}) {
        text += fmt::format("  {:<14} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>8} {:>9} {:>7} {:>9} {:>9}\n",
                            paced ? "paced, us" : "back to back", "p50", "p95", "p99", "p99.9", "max", "p99.9/p50",
                            ratio_heading(result, paced), "of peak", "heap/run", "locks", "instr.", "max diff");
        for (const auto& outcome : result.outcomes) {
            if (outcome.paced == paced) text += row_of(result, outcome);
        }
    }
    for (std::size_t i = 0; i < result.loads.size(); ++i) {
        text += fmt::format("  {:<14} loads in {:.1f} ms and takes {:.1f} MB of memory\n", result.outcomes[i].backend,
                            result.loads[i].load_ms, static_cast<double>(result.loads[i].resident_bytes) / 1e6);
    }
    return text;
}

std::vector<nlohmann::json> to_json(const ModelResult& result) {
    const bool counted = rt::interposer_is_present();
    std::vector<nlohmann::json> entries;
    for (const auto& outcome : result.outcomes) {
        const auto& load = load_of(result, outcome);
        entries.push_back(
            {{"model", result.model},
             {"backend", outcome.backend},
             {"paced", outcome.paced},
             {"caller", outcome.caller == Caller::worker ? "worker" : "callback"},
             {"rehearsal_us", engine::to_json(outcome.rehearsals->distribution_us())},
             {"us", engine::to_json(outcome.times->distribution_us())},
             {"floor_us", engine::to_json(outcome.floor->distribution_us())},
             {"unstalled_us",
              result.watched ? engine::to_json(outcome.unstalled->distribution_us()) : nlohmann::json(nullptr)},
             {"ratio_to_onnxruntime", json_of(ratio_to("onnxruntime", result, outcome))},
             {"ratio_to_tflite", json_of(ratio_to("tflite", result, outcome))},
             {"max_diff", json_of(difference_of(result, outcome))},
             {"heap_calls", counted ? nlohmann::json(outcome.counts.heap_calls) : nlohmann::json(nullptr)},
             {"locks", counted ? nlohmann::json(outcome.counts.locks) : nlohmann::json(nullptr)},
             {"instructions", json_of(outcome.instructions)},
             {"peak_share", json_of(peak_share_of(result, outcome))},
             {"multiply_adds", json_of(result.multiply_adds)},
             {"hop_ms", static_cast<double>(result.hop_ns) / 1e6},
             {"load_ms", load.load_ms},
             {"resident_bytes", load.resident_bytes}});
    }
    return entries;
}

}  // namespace sidetone::cli::infer
