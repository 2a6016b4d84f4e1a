// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/bench.hpp"
#include "cli/command.hpp"
#include "cli/naive_features.hpp"
#include "cli/terminal.hpp"
#include "dsp/deltas.hpp"
#include "dsp/formants.hpp"
#include "dsp/log_mel.hpp"
#include "dsp/mfcc.hpp"
#include "dsp/pitch.hpp"
#include "rt/clock.hpp"
#include "rt/guard.hpp"
#include "rt/histogram.hpp"
#include "rt/shallow_idle.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli {
namespace {

constexpr std::size_t kSliceCalls = 64;
constexpr std::size_t kSettleCalls = 4;   // after the other engine's turn the caches are the other's
constexpr std::size_t kStreamHops = 500;  // of sound, over and over
constexpr int kPriority = 70;
constexpr std::int64_t kHopNs = 10'000'000;
constexpr double kMostDifference = 1e-3;  // in ln(power); two ways to round in single precision

struct FeaturesArguments {
    std::size_t frames = 500, bands = 80, frames_a_call = 1;
    std::uint32_t rate_hz = 16'000;
    std::string json;
};

/// Takes some hops and completes as many frames. Of log-mel features `row` is where it lies until the next hop; the
/// others have none.
struct Engine {
    std::string name;
    std::function<void(std::span<const float>)> push;
    std::function<std::span<const float>()> row;
};

/// The rates at which there are pitch and a child's formants.
bool has_voice_engines(std::uint32_t rate_hz) {
    return rate_hz >= 16'000 && rate_hz <= 48'000;
}

struct Outcome {
    std::string engine;
    bool paced = false;
    std::size_t frames_a_call = 1;
    std::unique_ptr<rt::Histogram> times = std::make_unique<rt::Histogram>();
    std::uint64_t heap_calls = 0;
};

Engine own_engine(const dsp::LogMel::Design& design) {
    auto features = std::make_shared<dsp::LogMel>(design);
    return {"sidetone", [=](std::span<const float> hop) { features->push(hop); },
            [=] { return features->frames() > 0 ? features->last(1) : std::span<const float>{}; }};
}

Engine naive_engine(const dsp::LogMel::Design& design) {
    auto features = std::make_shared<NaiveFeatures>(design);
    auto frames = std::make_shared<std::vector<std::vector<float>>>();
    return {"naive", [=](std::span<const float> hop) { *frames = features->push(hop); },
            [=] { return frames->empty() ? std::span<const float>{} : std::span<const float>(frames->back()); }};
}

Engine mfcc_engine(std::uint32_t rate_hz) {
    auto mfcc = std::make_shared<dsp::Mfcc>(dsp::Mfcc::Design{.log_mel = dsp::LogMel::kaldi(rate_hz, 23)});
    auto deltas = std::make_shared<dsp::Deltas>(dsp::Deltas::Design{});
    return {"mfcc",
            [=](std::span<const float> hop) {
                for (auto made = mfcc->push(hop); made > 0; --made) deltas->push(mfcc->frame(mfcc->frames() - made));
            },
            {}};
}

Engine pitch_engine(std::uint32_t rate_hz) {
    auto pitch = std::make_shared<dsp::Pitch>(dsp::Pitch::Design{.rate_hz = rate_hz});
    auto latest = std::make_shared<dsp::PitchFrame>();
    return {
        "pitch",
        [=](std::span<const float> hop) { pitch->push(hop, [&](const dsp::PitchFrame& frame) { *latest = frame; }); },
        {}};
}

Engine formant_engine(std::uint32_t rate_hz, const std::string& name, double ceiling_hz) {
    const dsp::Formants::Design design{.rate_hz = rate_hz, .ceiling_hz = ceiling_hz};
    auto formants = std::make_shared<dsp::Formants>(design);
    auto latest = std::make_shared<dsp::FormantFrame>();
    return {name,
            [=](std::span<const float> hop) {
                formants->push(hop, [&](const dsp::FormantFrame& frame) { *latest = frame; });
            },
            {}};
}

/// Log-mel features twice, then the rest where it can be had.
std::vector<Engine> make_engines(const FeaturesArguments& arguments) {
    const auto design = dsp::LogMel::kaldi(arguments.rate_hz, arguments.bands);
    std::vector<Engine> engines{own_engine(design), naive_engine(design), mfcc_engine(arguments.rate_hz)};
    if (!has_voice_engines(arguments.rate_hz)) return engines;
    engines.push_back(pitch_engine(arguments.rate_hz));
    engines.push_back(formant_engine(arguments.rate_hz, "formants", dsp::Formants::kWoman));
    engines.push_back(formant_engine(arguments.rate_hz, "formants of a child", dsp::Formants::kChild));
    return engines;
}

std::vector<float> make_sound(std::size_t count) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0.01F, 0.1F);
    std::vector<float> sound(count);
    for (auto& sample : sound) sample = normal(random);
    return sound;
}

/// One pass over all engines by turns, paced or not.
class Pass {
public:
    Pass(const FeaturesArguments& arguments, bool paced, std::atomic<std::size_t>& done)
        : design_(dsp::LogMel::kaldi(arguments.rate_hz, arguments.bands)),
          calls_((arguments.frames + arguments.frames_a_call - 1) / arguments.frames_a_call),
          hops_(arguments.frames_a_call),
          paced_(paced),
          done_(done),
          sound_(make_sound((kStreamHops + hops_) * design_.hop)),
          engines_(make_engines(arguments)),
          outcomes_(engines_.size()) {
        for (std::size_t i = 0; i < engines_.size(); ++i) {
            outcomes_[i].engine = engines_[i].name;
            outcomes_[i].paced = paced;
            outcomes_[i].frames_a_call = hops_;
        }
    }

    void run();
    [[nodiscard]] std::vector<Outcome>& outcomes() noexcept { return outcomes_; }
    /// The most that frames of the first two engines differ by.
    [[nodiscard]] double difference() const noexcept { return difference_; }

private:
    void run_slice(std::size_t which, std::size_t first_call, std::size_t count);
    void run_once(std::size_t which, std::size_t call, bool counts);
    void compare();

    dsp::LogMel::Design design_;
    std::size_t calls_, hops_;  // hops: in each call
    bool paced_;
    std::atomic<std::size_t>& done_;
    std::vector<float> sound_;
    std::vector<Engine> engines_;
    std::vector<Outcome> outcomes_;
    double difference_ = 0;
};

// All take the same hops; in each round another one is first.
void Pass::run() {
    std::size_t call = 0;
    for (std::size_t round = 0, left = calls_; left > 0; ++round) {
        const auto counted = std::min(left, kSliceCalls);
        for (std::size_t i = 0; i < engines_.size(); ++i)
            run_slice((round + i) % engines_.size(), call, counted + kSettleCalls);
        compare();
        call += counted + kSettleCalls;
        left -= counted;
    }
}

void Pass::run_slice(std::size_t which, std::size_t first_call, std::size_t count) {
    auto due = rt::monotonic_ns();
    for (std::size_t i = 0; i < count; ++i) {
        if (paced_) {
            due = std::max(due + static_cast<std::int64_t>(hops_) * kHopNs, rt::monotonic_ns());
            rt::sleep_until_monotonic(due);
        }
        run_once(which, first_call + i, i >= kSettleCalls);
        done_.fetch_add(1, std::memory_order_relaxed);
    }
}

void Pass::run_once(std::size_t which, std::size_t call, bool counts) {
    const auto samples = std::span(sound_).subspan(call * hops_ % kStreamHops * design_.hop, hops_ * design_.hop);
    const auto before = rt::realtime_counts(rt::RealtimeKind::audio).heap_calls;
    std::int64_t took_ns = 0;
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        const auto start = rt::now_ns();
        engines_[which].push(samples);
        took_ns = rt::now_ns() - start;
    }
    if (!counts) return;
    outcomes_[which].times->record(took_ns / static_cast<std::int64_t>(hops_));
    outcomes_[which].heap_calls += rt::realtime_counts(rt::RealtimeKind::audio).heap_calls - before;
}

void Pass::compare() {
    const auto own = engines_[0].row();
    const auto naive = engines_[1].row();
    for (std::size_t band = 0; band < design_.mel.bands; ++band) {
        const double difference =
            own.size() == naive.size() ? std::abs(double{own[band]} - double{naive[band]}) : INFINITY;
        if (!(difference <= difference_)) difference_ = difference;  // and when it is no number
    }
}

struct Comparison {
    std::vector<Outcome> outcomes;
    double difference = 0;
};

Comparison measure(const FeaturesArguments& arguments, std::atomic<std::size_t>& done) {
    Comparison comparison;
    for (const bool paced : {true, false}) {
        Pass pass(arguments, paced, done);
        // A thread with real-time priority that never sleeps would be stopped by the kernel now and then.
        rt::RealtimeThread thread{{.name = "st-features", .priority = paced ? kPriority : 0, .core = {}}, [&] {
                                      const rt::ScopedFlushDenormals flush;
                                      pass.run();
                                  }};
        if (paced && !thread.warning().empty()) spdlog::warn("{}", thread.warning());
        thread.join();
        for (auto& outcome : pass.outcomes()) comparison.outcomes.push_back(std::move(outcome));
        if (!(pass.difference() <= comparison.difference)) comparison.difference = pass.difference();
    }
    return comparison;
}

nlohmann::json calls_a_frame(const Outcome& outcome) {
    if (!rt::interposer_is_present()) return nullptr;
    return static_cast<double>(outcome.heap_calls) /
           static_cast<double>(outcome.times->count() * outcome.frames_a_call);
}

nlohmann::json to_json(const Outcome& outcome) {
    const auto us = outcome.times->distribution_us();
    return {
        {"engine", outcome.engine},
        {"paced", outcome.paced},
        {"frames_a_call", outcome.frames_a_call},
        {"us_per_frame",
         {{"p50", us.p50}, {"p95", us.p95}, {"p99", us.p99}, {"p999", us.p999}, {"max", us.max}, {"count", us.count}}},
        {"heap_calls", calls_a_frame(outcome)}};
}

std::string to_text(const Outcome& outcome) {
    const auto us = outcome.times->distribution_us();
    const auto calls = calls_a_frame(outcome);
    return fmt::format("{:<13} {:<19} {:>8.2f} {:>8.2f} {:>8.2f} {:>8.2f} {:>8.2f} {:>11}\n",
                       outcome.paced ? fmt::format("every {} ms", 10 * outcome.frames_a_call) : "back to back",
                       outcome.engine, us.p50, us.p95, us.p99, us.p999, us.max,
                       calls.is_null() ? "not counted" : fmt::format("{:.1f}", calls.get<double>()));
}

/// What Sidetone's engine promises and did not keep here.
std::vector<std::string> shortcomings(const Comparison& comparison) {
    std::vector<std::string> found;
    for (const auto& outcome : comparison.outcomes) {
        if (outcome.engine != "naive" && outcome.heap_calls > 0) {
            found.push_back(fmt::format("{}: {} heap calls; it promises none", outcome.engine, outcome.heap_calls));
        }
    }
    if (!(comparison.difference <= kMostDifference)) {
        found.push_back(fmt::format("frames differ by {:.1e} from the naive ones, more than {:.0e}",
                                    comparison.difference, kMostDifference));
    }
    return found;
}

int bench_features(const FeaturesArguments& arguments) {
    const rt::ShallowIdle shallow_idle;  // as a live run has it
    if (!arguments.json.empty()) check_writable(arguments.json);
    rt::calibrate_clock();
    StatusLine line;
    std::atomic<std::size_t> done{0};
    auto running = std::async(std::launch::async, [&] { return measure(arguments, done); });
    const auto calls = arguments.frames / arguments.frames_a_call + kSettleCalls;
    const auto all = static_cast<double>(2 * make_engines(arguments).size() * calls);
    while (running.wait_for(std::chrono::milliseconds{200}) == std::future_status::timeout) {
        const auto share = std::min(1.0, static_cast<double>(done.load(std::memory_order_relaxed)) / all);
        line.show(fmt::format("[{}] frames of features", bar(share, 30)));
    }
    const auto comparison = running.get();
    line.clear();
    fmt::print(
        "Kaldi's log-mel features, {} bands, 25 ms every 10 ms at {} Hz; microseconds a frame\n"
        "naive: the same written down plainly, vectors and all; the baseline, for want of a packaged engine\n"
        "mfcc: 13 of 23 bands, with slopes and theirs; pitch, formants of a woman and of a child{}\n\n"
        "{:<13} {:<19} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11}\n",
        arguments.bands, arguments.rate_hz, has_voice_engines(arguments.rate_hz) ? "" : ": from 16000 to 48000 Hz only",
        "", "engine", "p50", "p95", "p99", "p99.9", "max", "heap calls");
    auto results = nlohmann::json::array();
    for (const auto& outcome : comparison.outcomes) {
        results.push_back(to_json(outcome));
        fmt::print("{}", to_text(outcome));
    }
    fmt::print("\nlog-mel frames differ by at most {:.1e} in ln(power)\n", comparison.difference);
    if (!arguments.json.empty()) {
        write_json(arguments.json, {{"rate_hz", arguments.rate_hz},
                                    {"bands", arguments.bands},
                                    {"max_difference", comparison.difference},
                                    {"results", results}});
    }
    const auto missed = shortcomings(comparison);
    for (const auto& what : missed) spdlog::warn("{}", what);
    return missed.empty() ? kFine : kFellShort;
}

}  // namespace

void add_bench_features(Command bench, int& exit_code) {
    auto arguments = std::make_shared<FeaturesArguments>();
    auto command = bench.add_subcommand(
        "features", "Measure log-mel features of speech, beside a naive way to them, MFCC, pitch and formants");
    command.add_option("--frames", arguments->frames, "Of each engine, at the pace of sound, and as many back to back")
        .in_range(1, 10'000'000)
        .capture_default_str();
    command
        .add_option("--frames-a-call", arguments->frames_a_call,
                    "Hops that come at once, as many frames as a network takes at a time")
        .in_range(1, 64)
        .capture_default_str();
    command.add_option("--bands", arguments->bands, "Mel filters").in_range(1, 256).capture_default_str();
    command.add_option("--rate", arguments->rate_hz, "Samples a second").in_range(8000, 96'000).capture_default_str();
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.footer(
        "Example: sidetone bench features --frames 2000 --json features.json\n"
        "The engines run by turns on one thread. Exit code 1: a heap call of Sidetone's, or frames that differ.\n"
        "How it is measured: docs/speak.md");
    command.callback([arguments, &exit_code] { exit_code = bench_features(*arguments); });
}

}  // namespace sidetone::cli
