// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "engine/report.hpp"
#include "rt/guard.hpp"

namespace sidetone::cli::transport {
namespace {

using engine::Cause;

double per_block(std::uint64_t count, const Outcome& outcome) {
    return outcome.blocks == 0 ? 0 : static_cast<double>(count) / static_cast<double>(outcome.blocks);
}

/// Where the card's samples become floats, and floats the card's samples.
double conversions_per_block(const Outcome& outcome) {
    return per_block(outcome.figures.input_copy.count() + outcome.figures.output_copy.count(), outcome);
}

double median_us(const rt::Histogram& histogram) {
    return histogram.distribution_us().p50;
}

std::string ratio_text(double numerator, double denominator) {
    return denominator > 0 ? fmt::format("{:.1f}", numerator / denominator) : "-";
}

// ── the table ───────────────────────────────────────────────────────────────────────────────────

constexpr int kLabelWidth = 24;
constexpr int kColumnWidth = 36;

using TextOf = std::string (*)(const Outcome&);

std::string row(const BlockOutcome& block, const char* label, TextOf text_of) {
    auto text = fmt::format("  {:<{}}", label, kLabelWidth);
    for (const auto& outcome : block.outcomes) text += fmt::format("{:>{}}", text_of(*outcome), kColumnWidth);
    return text + '\n';
}

std::string times_row(const BlockOutcome& block, const char* label, const rt::Histogram Figures::*which) {
    auto text = fmt::format("  {:<{}}", label, kLabelWidth);
    for (const auto& outcome : block.outcomes) {
        const auto us = (outcome->figures.*which).distribution_us();
        text += us.count == 0 ? fmt::format("{:>{}}", "-", kColumnWidth)
                              : fmt::format("  {:>8.2f} {:>7.1f} {:>7.1f} {:>9.1f}", us.p50, us.p95, us.p99, us.max);
    }
    return text + '\n';
}

struct TimesRow {
    const char* label;
    const char* key;
    const rt::Histogram Figures::*which;
};

constexpr TimesRow kTimes[] = {
    {"input copy", "input_copy_us", &Figures::input_copy},
    {"queue hand-off", "handoff_us", &Figures::hand_off},
    {"tensor wrap", "wrap_us", &Figures::wrap},
    {"inference", "inference_us", &Figures::inference},
    {"output copy", "output_copy_us", &Figures::output_copy},
    {"render callback", "callback_us", &Figures::callback},
    {"  without the model", "callback_without_model_us", &Figures::callback_without_model},
    {"total: due to result", "total_us", &Figures::total},
};

struct CountsRow {
    const char* label;
    TextOf text_of;
};

std::string copies_text(const Outcome& o) {
    return copies_are_counted() ? fmt::format("{:.2f}", per_block(o.copies().copies, o)) : "not counted";
}

std::string bytes_text(const Outcome& o) {
    return copies_are_counted() ? fmt::format("{:.0f}", per_block(o.copies().bytes, o)) : "not counted";
}

std::string conversions_text(const Outcome& o) {
    return fmt::format("{:.2f}", conversions_per_block(o));
}

std::string heap_text(const Outcome& o) {
    return rt::interposer_is_present() ? fmt::format("{:.2f}", per_block(o.heap_calls, o)) : "not counted";
}

std::string locks_text(const Outcome& o) {
    return rt::interposer_is_present() ? fmt::format("{:.2f}", per_block(o.locks, o)) : "not counted";
}

std::string cpu_text(const Outcome& o) {
    return fmt::format("{:.1f} %", 100 * o.cpu_share());
}

std::string misses_text(const Outcome& o) {
    return fmt::format("{} ({} + {}) / {}", o.misses_of(Cause::ours), o.misses_of(Cause::card),
                       o.misses_of(Cause::stolen), o.blocks);
}

constexpr CountsRow kCounts[] = {
    {"copies a block", copies_text},
    {"bytes moved a block", bytes_text},
    {"conversions a block", conversions_text},
    {"audio heap calls a block", heap_text},
    {"audio locks a block", locks_text},
    {"process CPU, of one core", cpu_text},
    {"misses ours (card+stolen)", misses_text},
};

// ── JSON ────────────────────────────────────────────────────────────────────────────────────────

nlohmann::json counted_copies(double value) {
    return copies_are_counted() ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json counted_calls(std::uint64_t value) {
    return rt::interposer_is_present() ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json result_of(const char* name, const Outcome& o, const BlockOutcome& block, std::uint32_t rate_hz) {
    nlohmann::json result{
        {"pipeline", name},
        {"block", block.block_frames},
        {"rate", rate_hz},
        {"blocks", o.blocks},
        {"copies_per_block", counted_copies(per_block(o.copies().copies, o))},
        {"bytes_per_block", counted_copies(per_block(o.copies().bytes, o))},
        {"conversions_per_block", conversions_per_block(o)},
        {"cpu_share", o.cpu_share()},
        {"heap_calls", counted_calls(o.heap_calls)},
        {"locks", counted_calls(o.locks)},
        {"worker_heap_calls", counted_calls(o.worker_heap_calls)},
        {"worker_locks", counted_calls(o.worker_locks)},
        {"misses", o.misses_of(Cause::ours)},
        {"misses_external", {{"card", o.misses_of(Cause::card)}, {"stolen", o.misses_of(Cause::stolen)}}},
        {"card_lateness_us", engine::to_json(o.lateness.distribution_us())}};
    for (const auto& times : kTimes) result[times.key] = engine::to_json((o.figures.*times.which).distribution_us());
    return result;
}

nlohmann::json ratios_of(const BlockOutcome& block) {
    const auto ratio = [&](const char* numerator, const char* denominator, auto value_of) -> nlohmann::json {
        const auto below = value_of(block.of(denominator));
        return below > 0 ? nlohmann::json(value_of(block.of(numerator)) / below) : nlohmann::json(nullptr);
    };
    const auto hand_off = [](const Outcome& o) { return median_us(o.figures.hand_off); };
    const auto total = [](const Outcome& o) { return median_us(o.figures.total); };
    const auto cpu = [](const Outcome& o) { return o.cpu_share(); };
    return {{"block", block.block_frames},
            {"handoff_p50_naive_to_pipelined", ratio("naive", "pipelined", hand_off)},
            {"handoff_p50_polling_to_pipelined", ratio("polling", "pipelined", hand_off)},
            {"total_p50_naive_to_pipelined", ratio("naive", "pipelined", total)},
            {"total_p50_polling_to_pipelined", ratio("polling", "pipelined", total)},
            {"total_p50_naive_to_direct", ratio("naive", "direct", total)},
            {"cpu_naive_to_pipelined", ratio("naive", "pipelined", cpu)},
            {"cpu_polling_to_pipelined", ratio("polling", "pipelined", cpu)},
            {"cpu_naive_to_direct", ratio("naive", "direct", cpu)}};
}

}  // namespace

const Outcome& BlockOutcome::of(const char* name) const {
    const auto found = std::ranges::find(names, std::string_view{name});
    return *outcomes[static_cast<std::size_t>(found - names.begin())];
}

nlohmann::json to_json(const TransportReport& report) {
    auto results = nlohmann::json::array(), ratios = nlohmann::json::array(), floor = nlohmann::json::array(),
         checks = nlohmann::json::array();
    for (const auto& block : report.blocks) {
        checks.push_back({{"block", block.block_frames},
                          {"max_difference_16bit_steps", block.check.max_difference},
                          {"peak_16bit_steps", block.check.loudest},
                          {"equal", block.check.is_good()}});
        if (!block.floor) continue;
        floor.push_back({{"block", block.block_frames},
                         {"card_lateness_us", engine::to_json(block.floor->lateness.distribution_us())},
                         {"cpu_share", block.floor->cpu_share()}});
        for (std::size_t i = 0; i < block.names.size(); ++i) {
            results.push_back(result_of(block.names[i], *block.outcomes[i], block, report.rate_hz));
        }
        ratios.push_back(ratios_of(block));
    }
    nlohmann::json json{{"model", report.model},     {"machine", report.machine}, {"rate", report.rate_hz},
                        {"seconds", report.seconds}, {"check", checks},           {"floor", floor},
                        {"results", results},        {"ratios", ratios},          {"cyclictest_us", nullptr}};
    if (report.cyclic) {
        json["cyclictest_us"] = {{"p50", report.cyclic->p50_us},
                                 {"p99", report.cyclic->p99_us},
                                 {"max", report.cyclic->max_us},
                                 {"count", report.cyclic->wakes}};
    }
    return json;
}

std::string table_of(const BlockOutcome& block, std::uint32_t rate_hz) {
    auto text = fmt::format("\n{} frames a block, {} Hz: a period of {:.0f} us\n\n  {:<{}}", block.block_frames,
                            rate_hz, 1e6 * block.block_frames / rate_hz, "", kLabelWidth);
    for (const auto* name : block.names) text += fmt::format("{:>{}}", name, kColumnWidth);
    text += fmt::format("\n  {:<{}}", "microseconds", kLabelWidth);
    for (std::size_t i = 0; i < block.names.size(); ++i)
        text += fmt::format("  {:>8} {:>7} {:>7} {:>9}", "p50", "p95", "p99", "max");
    text += '\n';
    for (const auto& times : kTimes) text += times_row(block, times.label, times.which);
    text += '\n';
    for (const auto& counts : kCounts) text += row(block, counts.label, counts.text_of);
    const auto late = block.floor->lateness.distribution_us();
    text += fmt::format(
        "  floor: the card alone wakes {:.0f} us late (p50), {:.0f} (p99), {:.0f} (max), and takes {:.1f} % of a "
        "core\n",
        late.p50, late.p99, late.max, 100 * block.floor->cpu_share());
    return text;
}

std::string summary_of(const TransportReport& report) {
    std::string text = "\nratios of medians\n";
    text += fmt::format("  {:>6} {:>24} {:>24} {:>22} {:>20} {:>24}\n", "block", "hand-off (b)/(c)", "hand-off (a)/(c)",
                        "total (a)/(c)", "total (a)/(d)", "CPU (a)/(c), (b)/(c)");
    for (const auto& block : report.blocks) {
        const auto &naive = block.of("naive"), &polling = block.of("polling"), &pipelined = block.of("pipelined"),
                   &direct = block.of("direct");
        const auto hand_off = [](const Outcome& o) { return median_us(o.figures.hand_off); };
        const auto total = [](const Outcome& o) { return median_us(o.figures.total); };
        text += fmt::format("  {:>6} {:>24} {:>24} {:>22} {:>20} {:>24}\n", block.block_frames,
                            ratio_text(hand_off(polling), hand_off(pipelined)),
                            ratio_text(hand_off(naive), hand_off(pipelined)),
                            ratio_text(total(naive), total(pipelined)), ratio_text(total(naive), total(direct)),
                            ratio_text(naive.cpu_share(), pipelined.cpu_share()) + ", " +
                                ratio_text(polling.cpu_share(), pipelined.cpu_share()));
    }
    text += "  (a) naive, (b) polling, (c) pipelined, (d) direct\n";
    if (report.cyclic) {
        text +=
            fmt::format("\ncyclictest on this machine: {} wakes, {:.0f} us late (p50), {:.0f} (p99), {:.0f} (max)\n",
                        report.cyclic->wakes, report.cyclic->p50_us, report.cyclic->p99_us, report.cyclic->max_us);
    }
    text += fmt::format("{}\n", report.machine);
    return text;
}

}  // namespace sidetone::cli::transport
