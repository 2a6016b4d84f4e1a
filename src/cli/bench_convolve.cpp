// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <vector>

#include "cli/bench.hpp"
#include "cli/command.hpp"
#include "cli/convolve_engines.hpp"
#include "cli/convolve_slice.hpp"
#include "cli/terminal.hpp"
#include "rt/error.hpp"
#include "rt/histogram.hpp"
#include "rt/shallow_idle.hpp"

namespace sidetone::cli {
namespace {

using namespace convolve;

constexpr double kPrecisionDb = -115;  // of what a float can carry after 48 000 taps
constexpr double kSliceSeconds = 1;
constexpr auto kZita = "bench_convolve_zita";
constexpr auto kWithHelper = "sidetone+helper";
constexpr auto kFloor = "floor";

struct ConvolveArguments {
    std::vector<std::uint32_t> taps{256, 512, 2048, 8192, 48'000}, blocks{32, 64, 128, 256};
    std::uint32_t inputs = 16, outputs = 2, rate_hz = 48'000;
    double seconds = 4;
    std::string json, slice_of;
};

struct Outcome {
    std::string engine;
    Job job;
    std::string skipped;
    rt::Histogram caller;
    std::vector<double> cpu_shares;  // of each slice
    double error_db = 0;
    std::uint32_t added_frames = 0;
    std::uint64_t late_blocks = 0;

    /// The median: where a virtual machine stands still, the time is counted as whoever's ran there, and a single stall
    /// of 30 ms is as much as an engine takes in a second.
    [[nodiscard]] double cpu_share() const {
        if (cpu_shares.empty()) return 0;
        auto sorted = cpu_shares;
        std::ranges::sort(sorted);
        return (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
    }
    [[nodiscard]] double mean_cpu_share() const {
        const auto sum = std::accumulate(cpu_shares.begin(), cpu_shares.end(), 0.0);
        return cpu_shares.empty() ? 0 : sum / static_cast<double>(cpu_shares.size());
    }
};

std::filesystem::path own_program() {
    return std::filesystem::read_symlink("/proc/self/exe");
}

std::string command_for(const std::string& engine, const Job& job) {
    const auto program = own_program();
    if (engine == "zita-convolver") {
        return fmt::format("'{}' {} {} {} {} {} {}", (program.parent_path() / kZita).string(), job.inputs, job.outputs,
                           job.taps, job.block, job.rate_hz, job.seconds);
    }
    return fmt::format(
        "'{}' bench convolve --slice-of {} --inputs {} --outputs {} --taps {} --blocks {} --rate {} --seconds {}",
        program.string(), engine, job.inputs, job.outputs, job.taps, job.block, job.rate_hz, job.seconds);
}

void add_slice(const Slice& slice, Outcome& outcome) {
    outcome.skipped = slice.skipped;
    if (slice.wall_ns > 0) outcome.cpu_shares.push_back(slice.cpu_ns / slice.wall_ns);
    outcome.error_db = slice.error_db;
    outcome.added_frames = slice.added_frames;
    outcome.late_blocks += slice.late_blocks;
    for (const auto time : slice.caller_ns) outcome.caller.record(time);
}

using Outcomes = std::vector<std::unique_ptr<Outcome>>;

/// All engines by turns, in slices, each round beginning with another one.
Outcomes measure(const std::vector<std::string>& engines, Job job, double seconds, const std::string& progress,
                 StatusLine& line) {
    const auto rounds = static_cast<std::size_t>(std::max(1.0, seconds / kSliceSeconds + 0.5));
    job.seconds = seconds / static_cast<double>(rounds);
    Outcomes outcomes;
    for (const auto& engine : engines) {
        outcomes.push_back(std::make_unique<Outcome>());
        outcomes.back()->engine = engine;
        outcomes.back()->job = job;
    }
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::size_t n = 0; n < engines.size(); ++n) {
            auto& outcome = *outcomes[(n + round) % engines.size()];
            if (!outcome.skipped.empty()) continue;
            line.show(fmt::format("{} {} taps, {} frames: {}", progress, job.taps, job.block, outcome.engine));
            add_slice(slice_from(command_for(outcome.engine, job)), outcome);
        }
    }
    line.clear();
    return outcomes;
}

nlohmann::json to_json(const Outcome& outcome, double floor_share) {
    nlohmann::json json{{"engine", outcome.engine}, {"inputs", outcome.job.inputs}, {"outputs", outcome.job.outputs},
                        {"taps", outcome.job.taps}, {"block", outcome.job.block},   {"rate", outcome.job.rate_hz}};
    if (!outcome.skipped.empty()) {
        json["skipped"] = outcome.skipped;
        return json;
    }
    const auto us = outcome.caller.distribution_us();
    json["caller_us"] = {{"p50", us.p50},   {"p95", us.p95}, {"p99", us.p99},
                         {"p999", us.p999}, {"max", us.max}, {"count", us.count}};
    json["cpu_share"] = outcome.cpu_share();
    json["mean_cpu_share"] = outcome.mean_cpu_share();
    json["cpu_share_above_floor"] = outcome.cpu_share() - floor_share;
    json["added_frames"] = outcome.added_frames;
    json["error_db"] = outcome.error_db;
    json["late_blocks"] = outcome.late_blocks;
    return json;
}

/// How much more processor time than ours; nothing where ours is lost in the noise of what is subtracted.
std::string times_the_cpu(double share, double own_share, double floor_share) {
    constexpr double kLeastShare = 0.0005;
    const auto above = own_share - floor_share;
    const auto net = above > kLeastShare ? fmt::format("{:.1f}", (share - floor_share) / above) : std::string{"-"};
    return fmt::format("{:7.2f} {:>6}", share / own_share, net);
}

std::string to_text(const Outcomes& outcomes) {
    std::string text;
    const auto floor_share = outcomes.back()->cpu_share();
    for (const auto& outcome : outcomes) {
        if (outcome->engine == kFloor) continue;
        text += fmt::format("{:6} {:5}  {:15}", outcome->job.taps, outcome->job.block, outcome->engine);
        if (!outcome->skipped.empty()) {
            text += fmt::format("  not run: {}\n", outcome->skipped);
            continue;
        }
        const auto us = outcome->caller.distribution_us();
        text += fmt::format("{:8.1f} {:8.1f} {:8.1f} {:8.1f} {:8.1f} {:7.2f} {:6} {:6.0f}", us.p50, us.p95, us.p99,
                            us.p999, us.max, 100 * outcome->cpu_share(), outcome->added_frames, outcome->error_db);
        const auto& own = *outcomes.front();
        if (outcome.get() != &own && own.cpu_share() > 0 && own.caller.count() > 0) {
            text += fmt::format(" {} {:6.2f}", times_the_cpu(outcome->cpu_share(), own.cpu_share(), floor_share),
                                us.p99 / own.caller.distribution_us().p99);
        }
        text += '\n';
    }
    return text;
}

bool is_cheaper(const Outcome& own, const Outcome& zita) {
    return own.cpu_share() < zita.cpu_share();
}
bool is_sooner(const Outcome& own, const Outcome& zita) {
    return own.caller.value_at(0.99) < zita.caller.value_at(0.99);
}

/// What Sidetone's engine promises and did not keep here. With a helper thread it may be sooner than without, as long
/// as it is cheaper, too.
std::vector<std::string> shortcomings(const Outcomes& outcomes) {
    const auto where = fmt::format("{} taps, {} frames", outcomes.front()->job.taps, outcomes.front()->job.block);
    std::vector<const Outcome*> ours;
    const Outcome* zita = nullptr;
    for (const auto& outcome : outcomes) {
        if (outcome->engine == "zita-convolver") zita = outcome.get();
        if (outcome->engine == "sidetone" || outcome->engine == kWithHelper) ours.push_back(outcome.get());
    }
    std::vector<std::string> found;
    for (const auto* own : ours) {
        if (own->added_frames != 0)
            found.push_back(fmt::format("{}: {}: {} frames of delay", where, own->engine, own->added_frames));
        if (own->error_db > kPrecisionDb)
            found.push_back(fmt::format("{}: {}: error {:.0f} dB", where, own->engine, own->error_db));
        if (own->late_blocks != 0)
            found.push_back(fmt::format("{}: {}: {} blocks late", where, own->engine, own->late_blocks));
    }
    if (zita == nullptr) return found;
    if (std::ranges::any_of(ours, [&](const auto* own) { return is_cheaper(*own, *zita) && is_sooner(*own, *zita); }))
        return found;
    if (!is_cheaper(*ours.front(), *zita)) found.push_back(where + ": more CPU than zita-convolver");
    if (!is_sooner(*ours.front(), *zita)) found.push_back(where + ": caller p99 above zita-convolver's");
    return found;
}

int compare(const ConvolveArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    std::vector<std::string> engines{"sidetone"};
    if (std::filesystem::exists(own_program().parent_path() / kZita)) {
        engines.emplace_back("zita-convolver");
    } else {
        spdlog::info("without zita-convolver: {} was not built (it needs libzita-convolver-dev)", kZita);
    }
    engines.insert(engines.end(), {"direct", kFloor});
    fmt::print(
        "{} inputs, {} outputs, {} Hz, paced; microseconds in the caller, % of a core for the whole process;\n"
        "how many times ours: CPU, CPU above pacing, the caller's p99\n"
        "{:>6} {:>5}  {:15}{:>8} {:>8} {:>8} {:>8} {:>8} {:>7} {:>6} {:>6} {:>7} {:>6} {:>6}\n",
        arguments.inputs, arguments.outputs, arguments.rate_hz, "taps", "block", "engine", "p50", "p95", "p99", "p99.9",
        "max", "CPU %", "delay", "dB", "x CPU", "x net", "x p99");
    StatusLine line;
    auto results = nlohmann::json::array();
    auto floors = nlohmann::json::array();
    std::vector<std::string> missed;
    std::map<std::uint32_t, double> floor_shares;
    const std::size_t points = arguments.taps.size() * arguments.blocks.size();
    std::size_t done = 0;
    for (const auto taps : arguments.taps) {
        for (const auto block : arguments.blocks) {
            const Job job{.inputs = arguments.inputs,
                          .outputs = arguments.outputs,
                          .taps = taps,
                          .block = block,
                          .rate_hz = arguments.rate_hz};
            const auto share = static_cast<double>(done++) / static_cast<double>(points);
            auto engines_here = engines;
            if (has_helper(job)) engines_here.insert(engines_here.begin() + 1, kWithHelper);
            const auto outcomes =
                measure(engines_here, job, arguments.seconds, fmt::format("[{}]", bar(share, 20)), line);
            floor_shares[block] = outcomes.back()->cpu_share();
            for (const auto& outcome : outcomes) {
                (outcome->engine == kFloor ? floors : results).push_back(to_json(*outcome, floor_shares[block]));
            }
            fmt::print("{}", to_text(outcomes));
            std::fflush(stdout);
            const auto found = shortcomings(outcomes);
            missed.insert(missed.end(), found.begin(), found.end());
        }
    }
    for (const auto& [block, share] : floor_shares) {
        fmt::print("in every row of {} frames, pacing alone: {:.2f} % of a core\n", block, 100 * share);
    }
    if (!arguments.json.empty()) write_json(arguments.json, {{"results", results}, {"floor", floors}});
    for (const auto& what : missed) spdlog::warn("{}", what);
    return missed.empty() ? kFine : kFellShort;
}

int bench_convolve(const ConvolveArguments& arguments) {
    const rt::ShallowIdle shallow_idle;  // as a live run has it
    if (arguments.slice_of.empty()) return compare(arguments);
    const Job job{.inputs = arguments.inputs,
                  .outputs = arguments.outputs,
                  .taps = arguments.taps.front(),
                  .block = arguments.blocks.front(),
                  .rate_hz = arguments.rate_hz,
                  .seconds = arguments.seconds};
    if (arguments.slice_of == kFloor) {
        run_slice(job, make_floor, false);
    } else if (arguments.slice_of == kWithHelper) {
        run_slice(job, make_sidetone_with_helper);
    } else {
        run_slice(job, arguments.slice_of == "direct" ? make_direct : make_sidetone);
    }
    return kFine;
}

}  // namespace

void add_bench_convolve(Command bench, int& exit_code) {
    auto arguments = std::make_shared<ConvolveArguments>();
    auto command = bench.add_subcommand(
        "convolve", "Compare ways to convolve many inputs with long responses: Sidetone's, zita-convolver, direct");
    command.add_option("--taps", arguments->taps, "Lengths of the responses")
        .delimiter(',')
        .in_range(1, 1'000'000)
        .capture_default_str();
    command.add_option("--blocks", arguments->blocks, "Frames a block")
        .delimiter(',')
        .in_range(16, 4096)
        .capture_default_str();
    command.add_option("--inputs", arguments->inputs, "Inputs").in_range(1, 64).capture_default_str();
    command.add_option("--outputs", arguments->outputs, "Outputs").in_range(1, 64).capture_default_str();
    command.add_option("--rate", arguments->rate_hz, "Frames a second").in_range(8000, 192'000).capture_default_str();
    command.add_option("--seconds", arguments->seconds, "How long, for each engine, length and block")
        .in_range(0.1, 1e5)
        .capture_default_str();
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.add_option("--slice-of", arguments->slice_of, "")
        .one_of({"sidetone", kWithHelper, "direct", kFloor})
        .group("");
    command.footer(
        "Example: sidetone bench convolve --taps 512,8192 --blocks 64,128 --seconds 10 --json convolve.json\n"
        "Each engine has a process of its own and runs by turns. Exit code 1: zita-convolver took less CPU, its "
        "caller's\n"
        "p99 was lower, or Sidetone's output was late or wrong. How it is measured: docs/surround.md");
    command.callback([arguments, &exit_code] { exit_code = bench_convolve(*arguments); });
}

}  // namespace sidetone::cli
