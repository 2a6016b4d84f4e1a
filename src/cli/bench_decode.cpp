// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/bench.hpp"
#include "cli/command.hpp"
#include "cli/decode_engines.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/guard.hpp"
#include "rt/histogram.hpp"
#include "rt/shallow_idle.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli {
namespace {

using namespace decode;

constexpr std::int64_t kFrameNs = 20'000'000;  // a frame of the phoneme model
constexpr std::size_t kFramesBetweenPartials = 4;
constexpr std::size_t kWarmUpFrames = 200;
constexpr std::size_t kTurnFrames = 250;       // 5 s of speech
constexpr std::size_t kUtteranceFrames = 500;  // the map's prefixes grow with the utterance, so it begins anew
constexpr std::uint32_t kSeed = 1;
constexpr int kPriority = 70;

struct DecodeArguments {
    std::vector<std::size_t> beams{1, 4, 16, 32, 128};
    std::size_t frames = 5000;
    bool paced = false;
    std::string posteriors, json;
};

struct Contestant {
    std::function<std::unique_ptr<Engine>(std::size_t beam)> make;
    std::unique_ptr<Engine> engine;
    rt::Histogram us;
    std::uint64_t heap_calls = 0;
    std::size_t frames = 0;
    std::uint64_t checksum = 0;  ///< of the partial results: engines that agree have equal ones
};

/// Decodes `count` frames from frame `first` on, and puts down what each took, partial results included.
void run_turn(Contestant& contestant, std::size_t beam, std::span<const float> rows, std::size_t first,
              std::size_t count, bool paced) {
    std::array<speech::Phone, 64> tokens{};
    auto due_ns = rt::monotonic_ns();
    for (std::size_t t = first; t < first + count; ++t) {
        if (t % kUtteranceFrames == 0) contestant.engine = contestant.make(beam);
        if (paced) rt::sleep_until_monotonic(due_ns += kFrameNs);
        const auto before = rt::realtime_counts(rt::RealtimeKind::audio).heap_calls;
        const auto start_ns = rt::now_ns();
        std::size_t shown = 0;
        {
            const rt::RealtimeScope scope(rt::RealtimeKind::audio);
            contestant.engine->step(rows.data() + t * speech::kPhoneClassCount);
            if (t % kFramesBetweenPartials == kFramesBetweenPartials - 1) shown = contestant.engine->partial(tokens);
        }
        const auto taken_ns = rt::now_ns() - start_ns;
        for (std::size_t n = 0; n < shown; ++n) contestant.checksum = contestant.checksum * 41 + tokens[n];
        if (t < kWarmUpFrames) continue;
        contestant.us.record(taken_ns);
        contestant.heap_calls += rt::realtime_counts(rt::RealtimeKind::audio).heap_calls - before;
        ++contestant.frames;
    }
}

nlohmann::json to_json(const Contestant& contestant, std::size_t beam) {
    const auto us = contestant.us.distribution_us();
    return {
        {"engine", contestant.engine->name()},
        {"beam", beam},
        {"us_per_frame",
         {{"p50", us.p50}, {"p95", us.p95}, {"p99", us.p99}, {"p999", us.p999}, {"max", us.max}, {"count", us.count}}},
        {"heap_calls", rt::interposer_is_present() ? nlohmann::json(contestant.heap_calls) : nlohmann::json()}};
}

void print(const Contestant& contestant, std::size_t beam, double own_p50) {
    const auto us = contestant.us.distribution_us();
    const auto calls = static_cast<double>(contestant.heap_calls) / static_cast<double>(contestant.frames);
    fmt::print("{:>4}  {:<10} {:>8.2f} {:>8.2f} {:>8.2f} {:>8.2f} {:>8.1f} {:>11} {:>7.1f}x\n", beam,
               contestant.engine->name(), us.p50, us.p95, us.p99, us.p999, us.max,
               rt::interposer_is_present() ? fmt::format("{:.1f}", calls) : "not counted", us.p50 / own_p50);
}

/// The engines by turns, each first in turn. False when Sidetone's made heap calls.
bool compare(std::size_t beam, const DecodeArguments& arguments, std::span<const float> rows,
             const std::shared_ptr<const speech::LexiconTrie>& words, nlohmann::json& results) {
    std::vector<Contestant> contestants(words ? 3 : 2);
    contestants[0].make = make_sidetone;
    contestants[1].make = make_map;
    if (words) contestants[2].make = [&](std::size_t kept) { return make_words(words, kept); };
    const std::size_t frames = rows.size() / speech::kPhoneClassCount;
    for (std::size_t first = 0, turn = 0; first < frames; first += kTurnFrames, ++turn) {
        const std::size_t count = std::min(kTurnFrames, frames - first);
        for (std::size_t n = 0; n < contestants.size(); ++n) {
            run_turn(contestants[(n + turn) % contestants.size()], beam, rows, first, count, arguments.paced);
        }
    }
    const double own_p50 = contestants[0].us.distribution_us().p50;
    for (const auto& contestant : contestants) {
        print(contestant, beam, own_p50);
        results.push_back(to_json(contestant, beam));
    }
    std::fflush(stdout);
    if (contestants[0].checksum != contestants[1].checksum) {
        spdlog::warn("beam {}: the two engines' partial results differ", beam);
    }
    const auto own_calls = contestants[0].heap_calls + (words ? contestants[2].heap_calls : 0);
    if (own_calls > 0) spdlog::warn("beam {}: {} heap calls", beam, own_calls);
    return own_calls == 0;
}

/// The file's rows, as many as are wanted, or made ones.
std::vector<float> rows_to_decode(const DecodeArguments& arguments) {
    const auto wanted = kWarmUpFrames + arguments.frames;
    if (arguments.posteriors.empty()) return peaky_posteriors(wanted, kSeed);
    auto rows = read_posteriors(arguments.posteriors, wanted);
    if (rows.size() > kWarmUpFrames * speech::kPhoneClassCount) return rows;
    throw InputError(fmt::format("{}: found {} frames, expected more than {}, which are for warming up",
                                 arguments.posteriors, rows.size() / speech::kPhoneClassCount, kWarmUpFrames));
}

int bench_decode(const DecodeArguments& arguments) {
    const rt::ShallowIdle shallow_idle;  // as a live run has it
    if (!arguments.json.empty()) check_writable(arguments.json);
    rt::calibrate_clock();
    const auto rows = rows_to_decode(arguments);
    const auto words = words_of_lexicon();
    fmt::print(
        "{} classes, partial results every {} frames, {}; microseconds per frame of 20 ms\n"
        "{:>4}  {:<10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11} {:>8}\n",
        speech::kPhoneClassCount, kFramesBetweenPartials, arguments.paced ? "paced" : "back to back", "beam", "engine",
        "p50", "p95", "p99", "p99.9", "max", "heap calls", "p50");
    auto results = nlohmann::json::array();
    bool fine = true;
    {
        // A thread with real-time priority that never sleeps would be stopped by the kernel now and then.
        rt::RealtimeThread thread{{.name = "st-decode", .priority = arguments.paced ? kPriority : 0, .core = {}}, [&] {
                                      for (const auto beam : arguments.beams)
                                          fine = compare(beam, arguments, rows, words, results) && fine;
                                  }};
        if (arguments.paced && !thread.warning().empty()) spdlog::warn("{}", thread.warning());
        thread.join();
    }
    if (!arguments.json.empty()) {
        write_json(arguments.json, {{"paced", arguments.paced},
                                    {"posteriors", arguments.posteriors.empty() ? "made" : arguments.posteriors},
                                    {"results", results}});
    }
    return fine ? kFine : kFellShort;
}

}  // namespace

void add_bench_decode(Command bench, int& exit_code) {
    auto arguments = std::make_shared<DecodeArguments>();
    auto command = bench.add_subcommand("decode", "Time the beam search over phonemes, beside a plain one over a map");
    command.add_option("--beams", arguments->beams, "Hypotheses kept")
        .delimiter(',')
        .in_range(1, 128)
        .capture_default_str();
    command.add_option("--frames", arguments->frames, "Frames of 20 ms to time, for each beam")
        .in_range(1, 10'000'000)
        .capture_default_str();
    command.add_flag("--paced", arguments->paced, "A frame every 20 ms, as speech comes, not back to back");
    command.add_option("--posteriors", arguments->posteriors,
                       "Decode these, not made ones: rows of 40 natural logarithms (32-bit floats) and nothing else");
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.footer(
        "Example: sidetone bench decode --beams 4,16 --paced --frames 1000 --json decode.json\n"
        "The posteriors are made from a fixed seed. The other engine is the search as textbooks write it, for want of "
        "a\npackaged one; \"words\" searches for those of the lexicon. Exit code 1: Sidetone's made heap calls. How it "
        "is measured: docs/speak.md");
    command.callback([arguments, &exit_code] { exit_code = bench_decode(*arguments); });
}

}  // namespace sidetone::cli
