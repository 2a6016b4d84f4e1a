// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "cli/bench.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "engine/report.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/interruptions.hpp"
#include "rt/shallow_idle.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli {
namespace {

// The kernel stops real-time threads that take more than 950 ms of a second.
constexpr std::int64_t kWatchNs = 80'000'000, kRestNs = 20'000'000;
constexpr std::int64_t kLeastNs = 1'000;  // several readings of the clock
constexpr std::size_t kMost = 80'000;     // of a watch: no more than fit into it
constexpr std::int64_t kEveryNs = 1'000;
constexpr std::array<std::int64_t, 6> kFromUs{1, 3, 10, 30, 100, 300};
constexpr std::array<std::int64_t, 8> kJobsUs{1, 3, 10, 30, 100, 300, 1000, 3000};

struct InterruptionArguments {
    double seconds = 10;
    std::uint32_t priority = 70;
    std::string json;
};

struct Core {
    int number;
    std::vector<rt::Watch> watches;

    [[nodiscard]] double seconds() const {
        return std::accumulate(watches.begin(), watches.end(), 0.0, [](double sum, const rt::Watch& watch) {
            return sum + static_cast<double>(watch.end_ns - watch.began_ns) / 1e9;
        });
    }
};

// One core after the other: watched all at once, a small machine would stand still.
std::vector<Core> watch_cores(const InterruptionArguments& arguments) {
    const auto cores = rt::allowed_cores();
    if (cores.empty()) throw InputError("this system does not tell its processors");
    const auto turns = std::max<std::int64_t>(
        1,
        static_cast<std::int64_t>(arguments.seconds * 1e9 / static_cast<double>(cores.size())) / (kWatchNs + kRestNs));
    std::vector<Core> all;
    StatusLine line;
    std::string warning;
    for (const int number : cores) {
        Core core{.number = number, .watches = {}};
        line.show(fmt::format("core {}  {}", number,
                              bar(static_cast<double>(all.size()) / static_cast<double>(cores.size()), 20)));
        rt::RealtimeThread thread{
            {.name = "interruptions", .priority = static_cast<int>(arguments.priority), .core = number},
            [&core, turns] {
                for (std::int64_t turn = 0; turn < turns; ++turn) {
                    core.watches.push_back(rt::watch_interruptions(kWatchNs, kLeastNs, kMost));
                    rt::sleep_until_monotonic(rt::monotonic_ns() + kRestNs);
                }
            }};
        if (warning.empty()) warning = thread.warning();
        thread.join();
        all.push_back(std::move(core));
    }
    line.clear();
    if (!warning.empty()) spdlog::warn("{}", warning);
    return all;
}

nlohmann::json print_core(const Core& core) {
    std::array<std::uint64_t, kFromUs.size()> counts{};
    std::int64_t lost_ns = 0, longest_ns = 0;
    for (const auto& watch : core.watches) {
        for (const auto& found : watch.interruptions) {
            const auto above = std::upper_bound(kFromUs.begin(), kFromUs.end(), found.length_ns / 1000);
            ++counts[static_cast<std::size_t>(above - kFromUs.begin()) - 1];
            lost_ns += found.length_ns;
            longest_ns = std::max(longest_ns, found.length_ns);
        }
    }
    const double seconds = core.seconds(), lost = static_cast<double>(lost_ns) / 1e9 / seconds;
    fmt::print("{:>4}", core.number);
    auto per_second = nlohmann::json::array();
    for (std::size_t n = 0; n < counts.size(); ++n) {
        const auto rate = static_cast<double>(counts[n]) / seconds;
        fmt::print("{:>10.1f}", rate);
        per_second.push_back({{"from_us", kFromUs[n]}, {"per_second", rate}});
    }
    fmt::print("{:>12.1f}{:>9.2f} %\n", static_cast<double>(longest_ns) / 1e3, 100 * lost);
    return {{"core", core.number},
            {"seconds", seconds},
            {"interruptions", per_second},
            {"longest_us", static_cast<double>(longest_ns) / 1e3},
            {"lost_share", lost}};
}

nlohmann::json print_clock_tick(const Core& core) {
    const auto tick = rt::clock_tick_of(core.watches);
    if (!tick) {
        fmt::print("core {}: none of them is seen to be the kernel's clock\n", core.number);
        return nullptr;
    }
    const auto period_ms = static_cast<double>(tick->period_ns) / 1e6;
    const auto median_us = static_cast<double>(tick->median_ns) / 1e3, p90_us = static_cast<double>(tick->p90_ns) / 1e3;
    const auto per_second = static_cast<double>(tick->count) / core.seconds();
    fmt::print(
        "core {}: {:.0f} of them are the kernel's clock, every {:.2f} ms: {:.0f} us each (median), 90 % at most "
        "{:.0f}\n",
        core.number, per_second, period_ms, median_us, p90_us);
    return {{"period_ms", period_ms},
            {"per_second", per_second},
            {"kept_share", tick->kept},
            {"p50_us", median_us},
            {"p90_us", p90_us}};
}

nlohmann::json print_job(std::int64_t job_us, const std::vector<Core>& cores) {
    const auto taken = std::make_unique<rt::Histogram>();
    for (const auto& core : cores) rt::record_stretched(core.watches, job_us * 1000, kEveryNs, *taken);
    const auto d = taken->distribution_us();
    fmt::print("{:>6}{:>11.1f}{:>9.1f}{:>9.1f}{:>9.1f}{:>10.1f}{:>12.1f}\n", job_us, d.p50, d.p95, d.p99, d.p999, d.max,
               d.p999 / d.p50);
    return {{"job_us", job_us}, {"us", engine::to_json(d)}};
}

int bench_interruptions(const InterruptionArguments& arguments) {
    const rt::ShallowIdle shallow_idle;  // as a live run has it
    if (!arguments.json.empty()) check_writable(arguments.json);
    rt::calibrate_clock();
    const auto cores = watch_cores(arguments);
    auto of_cores = nlohmann::json::array(), of_jobs = nlohmann::json::array();
    fmt::print("What interrupts a thread that never rests, a second, by length in microseconds\n");
    fmt::print("core     1 to 3   3 to 10  10 to 30 30 to 100  to 300  from 300     longest  of time\n");
    for (const auto& core : cores) of_cores.push_back(print_core(core));
    for (std::size_t n = 0; n < cores.size(); ++n) of_cores[n]["clock_tick"] = print_clock_tick(cores[n]);
    fmt::print("\nWhat a job would have taken, caches aside, microseconds\n");
    fmt::print("   job        p50      p95      p99    p99.9       max   p99.9/p50\n");
    for (const auto job_us : kJobsUs) of_jobs.push_back(print_job(job_us, cores));
    if (!arguments.json.empty()) write_json(arguments.json, {{"cores", of_cores}, {"jobs", of_jobs}});
    return kFine;
}

}  // namespace

void add_bench_interruptions(Command bench, int& exit_code) {
    auto arguments = std::make_shared<InterruptionArguments>();
    auto command = bench.add_subcommand("interruptions",
                                        "Count what interrupts a thread, and what percentiles that leaves to any job");
    command.add_option("--seconds", arguments->seconds, "For all cores together")
        .in_range(0.1, 86'400.0)
        .capture_default_str();
    command.add_option("--priority", arguments->priority, "Real-time priority; 0 for none")
        .in_range(0, 98)
        .capture_default_str();
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.footer(
        "Example: sidetone bench interruptions --seconds 30 --json interruptions.json\n"
        "On each core in turn a thread reads the clock for 80 ms in each 100. Where two readings lie far apart, it did "
        "not run.\nA job of some microseconds is then laid at each microsecond of what was seen. docs/measuring.md");
    command.callback([arguments, &exit_code] { exit_code = bench_interruptions(*arguments); });
}

}  // namespace sidetone::cli
