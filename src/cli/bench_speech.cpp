// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/bench.hpp"
#include "cli/command.hpp"
#include "cli/recording.hpp"
#include "cli/speech_engines.hpp"
#include "cli/terminal.hpp"
#include "nn/model_store.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/guard.hpp"
#include "rt/histogram.hpp"
#include "rt/shallow_idle.hpp"
#include "rt/thread.hpp"
#include "speech/phoneme_recognizer.hpp"

namespace sidetone::cli {
namespace {

using namespace speaking;

constexpr std::size_t kSliceChunks = 32;
constexpr std::size_t kSettleChunks = 4;  // after another engine's turn the caches are the other's
constexpr std::size_t kUtteranceChunks = 125;
constexpr int kPriority = 70;
constexpr std::int64_t kChunkNs = 80'000'000;

struct SpeechArguments {
    std::vector<std::string> files;
    std::string model = "phoneme-ctc", sherpa, json;
    std::size_t chunks = 250, beam = 4;
};

struct Outcome {
    bool paced = false;
    rt::Histogram wall, cpu, features, network, decoder;
    std::uint64_t heap_calls = 0;
};

/// An engine and what it did, paced and back to back.
struct Contestant {
    std::unique_ptr<Engine> engine;
    std::vector<std::unique_ptr<Outcome>> outcomes;
    std::vector<speech::Phone> phones;  ///< of the whole sound
    std::size_t edits = 0;              ///< from Sidetone's phones to these
};

std::vector<float> read_sound(const std::vector<std::string>& files) {
    std::vector<float> sound;
    for (const auto& file : files) {
        read_recording(file, speech::PhonemeRecognizer::kRateHz, [&](std::span<const float> samples) {
            sound.insert(sound.end(), samples.begin(), samples.end());
        });
    }
    if (sound.size() < kChunkSamples) {
        throw InputError{fmt::format("{}: found {} samples at 16 kHz, expected {} at least", files.front(),
                                     sound.size(), kChunkSamples)};
    }
    sound.resize(sound.size() / kChunkSamples * kChunkSamples);
    return sound;
}

/// Levenshtein's distance: phones to insert, leave out or exchange.
std::size_t edits(const std::vector<speech::Phone>& from, const std::vector<speech::Phone>& to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
        auto diagonal = row[0]++;
        for (std::size_t j = 0; j < to.size(); ++j) {
            const auto exchanged = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({exchanged, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

/// One pass over all engines by turns, paced or not.
class Pass {
public:
    Pass(std::vector<Contestant>& contestants, const std::vector<float>& sound, std::size_t chunks, bool paced,
         std::atomic<std::size_t>& done)
        : contestants_(contestants), sound_(sound), chunks_(chunks), paced_(paced), done_(done) {
        for (auto& contestant : contestants_) {
            contestant.outcomes.push_back(std::make_unique<Outcome>());
            contestant.outcomes.back()->paced = paced;
            contestant.engine->reset();
        }
    }

    // All take the same chunks; in each round another one is first.
    void run() {
        std::size_t chunk = 0;
        for (std::size_t round = 0, left = chunks_; left > 0; ++round) {
            const auto counted = std::min(left, kSliceChunks);
            for (std::size_t i = 0; i < contestants_.size(); ++i)
                run_slice(contestants_[(round + i) % contestants_.size()], chunk, counted + kSettleChunks);
            chunk += counted + kSettleChunks;
            left -= counted;
        }
    }

private:
    void run_slice(Contestant& contestant, std::size_t first, std::size_t count) {
        auto due = rt::monotonic_ns();
        for (std::size_t i = 0; i < count; ++i) {
            if ((first + i) % kUtteranceChunks == 0) contestant.engine->reset();
            if (paced_) {
                due = std::max(due + kChunkNs, rt::monotonic_ns());
                rt::sleep_until_monotonic(due);
            }
            run_once(contestant, first + i, i >= kSettleChunks);
            done_.fetch_add(1, std::memory_order_relaxed);
        }
    }
    void run_once(Contestant& contestant, std::size_t chunk, bool counts);

    std::vector<Contestant>& contestants_;
    const std::vector<float>& sound_;
    std::size_t chunks_;
    bool paced_;
    std::atomic<std::size_t>& done_;
};

void Pass::run_once(Contestant& contestant, std::size_t chunk, bool counts) {
    const auto samples =
        std::span(sound_).subspan(chunk % (sound_.size() / kChunkSamples) * kChunkSamples, kChunkSamples);
    const auto calls = rt::realtime_counts(rt::RealtimeKind::audio).heap_calls;
    const auto cpu_ns = rt::thread_cpu_ns();
    const auto start_ns = rt::now_ns();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        contestant.engine->push(samples);
    }
    const auto took_ns = rt::now_ns() - start_ns;
    const auto took_cpu_ns = rt::thread_cpu_ns() - cpu_ns;
    if (!counts) return;
    auto& outcome = *contestant.outcomes.back();
    outcome.wall.record(took_ns);
    outcome.cpu.record(took_cpu_ns);
    outcome.heap_calls += rt::realtime_counts(rt::RealtimeKind::audio).heap_calls - calls;
    if (const auto* parts = contestant.engine->parts()) {
        outcome.features.record(parts->features_ns);
        outcome.network.record(parts->network_ns);
        outcome.decoder.record(parts->decoder_ns);
    }
}

void measure(std::vector<Contestant>& contestants, const std::vector<float>& sound, std::size_t chunks,
             std::atomic<std::size_t>& done) {
    for (auto& contestant : contestants) {
        contestant.engine->reset();
        for (std::size_t at = 0; at < sound.size(); at += kChunkSamples)
            contestant.engine->push(std::span(sound).subspan(at, kChunkSamples));
        contestant.phones = contestant.engine->phones();
        contestant.edits = edits(contestants.front().phones, contestant.phones);
    }
    for (const bool paced : {true, false}) {
        Pass pass{contestants, sound, chunks, paced, done};
        // A thread with real-time priority that never sleeps would be stopped by the kernel now and then.
        rt::RealtimeThread thread{{.name = "st-speech", .priority = paced ? kPriority : 0, .core = {}},
                                  [&] { pass.run(); }};
        if (paced && !thread.warning().empty()) spdlog::warn("{}", thread.warning());
        thread.join();
    }
}

nlohmann::json to_json(const rt::Histogram& times) {
    const auto us = times.distribution_us();
    return {{"p50", us.p50}, {"p95", us.p95}, {"p99", us.p99}, {"p999", us.p999}, {"max", us.max}, {"count", us.count}};
}

nlohmann::json calls_a_chunk(const Outcome& outcome) {
    if (!rt::interposer_is_present()) return nullptr;
    return static_cast<double>(outcome.heap_calls) / static_cast<double>(outcome.wall.count());
}

nlohmann::json to_json(const Contestant& contestant, const Outcome& outcome) {
    nlohmann::json json{{"engine", contestant.engine->name()},
                        {"paced", outcome.paced},
                        {"us_per_chunk", to_json(outcome.wall)},
                        {"cpu_us_per_chunk", to_json(outcome.cpu)},
                        {"heap_calls", calls_a_chunk(outcome)},
                        {"phones", contestant.phones.size()},
                        {"edits", contestant.edits}};
    if (outcome.network.count() > 0) {
        json["parts_us"] = {{"features", to_json(outcome.features)},
                            {"network", to_json(outcome.network)},
                            {"decoder", to_json(outcome.decoder)}};
    }
    return json;
}

void print(const Contestant& contestant, const Outcome& outcome, double own_cpu) {
    const auto us = outcome.wall.distribution_us();
    const auto cpu = outcome.cpu.distribution_us().p50;
    const auto calls = calls_a_chunk(outcome);
    fmt::print("{:<13} {:<12} {:>8.1f} {:>6.1f}x {:>8.1f} {:>8.1f} {:>8.1f} {:>8.1f} {:>11}\n",
               outcome.paced ? "every 80 ms" : "back to back", contestant.engine->name(), cpu, cpu / own_cpu, us.p50,
               us.p95, us.p99, us.max, calls.is_null() ? "not counted" : fmt::format("{:.1f}", calls.get<double>()));
}

void print_parts(const Outcome& outcome) {
    fmt::print("{}: sidetone's {:.1f} us of features, {:.1f} us in the network, {:.1f} us of beam search\n",
               outcome.paced ? "every 80 ms" : "back to back", outcome.features.distribution_us().p50,
               outcome.network.distribution_us().p50, outcome.decoder.distribution_us().p50);
}

nlohmann::json report(const std::vector<Contestant>& contestants, const SpeechArguments& arguments) {
    fmt::print(
        "{}, chunks of 80 ms: features, network, beam {} (sherpa-onnx: the best class), partial result; microseconds\n"
        "{:<13} {:<12} {:>8} {:>7} {:>8} {:>8} {:>8} {:>8} {:>11}\n",
        arguments.model, arguments.beam, "", "engine", "CPU p50", "", "p50", "p95", "p99", "max", "heap calls");
    auto results = nlohmann::json::array();
    for (const std::size_t pass : {0U, 1U}) {
        const auto own_cpu = contestants.front().outcomes[pass]->cpu.distribution_us().p50;
        for (const auto& contestant : contestants) {
            print(contestant, *contestant.outcomes[pass], own_cpu);
            results.push_back(to_json(contestant, *contestant.outcomes[pass]));
        }
    }
    fmt::print("\n");
    for (const auto& outcome : contestants.front().outcomes) print_parts(*outcome);
    for (const auto& contestant : contestants) {
        fmt::print("{} heard {} phones, {} edits from sidetone's\n", contestant.engine->name(),
                   contestant.phones.size(), contestant.edits);
    }
    return results;
}

int bench_speech(const SpeechArguments& arguments) {
    const rt::ShallowIdle shallow_idle;  // as a live run has it
    if (!arguments.json.empty()) check_writable(arguments.json);
    rt::calibrate_clock();
    const auto sound = read_sound(arguments.files);
    const auto model = nn::find_model(arguments.model);
    std::vector<Contestant> contestants;
    const auto enter = [&](std::unique_ptr<Engine> engine) {
        contestants.push_back({.engine = std::move(engine), .outcomes = {}, .phones = {}, .edits = 0});
    };
    enter(make_sidetone(model, arguments.beam));
    enter(make_naive(model, arguments.beam));
    if (!arguments.sherpa.empty()) enter(make_sherpa(arguments.sherpa));

    StatusLine line;
    std::atomic<std::size_t> done{0};
    auto running = std::async(std::launch::async, [&] { measure(contestants, sound, arguments.chunks, done); });
    const auto all = static_cast<double>(2 * arguments.chunks * contestants.size());
    while (running.wait_for(std::chrono::milliseconds{200}) == std::future_status::timeout) {
        const auto share = std::min(1.0, static_cast<double>(done.load(std::memory_order_relaxed)) / all);
        line.show(fmt::format("[{}] speech", bar(share, 30)));
    }
    running.get();
    line.clear();
    const auto results = report(contestants, arguments);
    if (!arguments.json.empty()) {
        write_json(arguments.json, {{"model", arguments.model}, {"beam", arguments.beam}, {"results", results}});
    }
    const auto& outcomes = contestants.front().outcomes;
    if (std::ranges::all_of(outcomes, [](const auto& outcome) { return outcome->heap_calls == 0; })) return kFine;
    spdlog::warn("Sidetone made heap calls; it promises none");
    return kFellShort;
}

}  // namespace

void add_bench_speech(Command bench, int& exit_code) {
    auto arguments = std::make_shared<SpeechArguments>();
    auto command =
        bench.add_subcommand("speech", "Time the way from sound to phones, beside sherpa-onnx and ONNX Runtime");
    command.add_option("files", arguments->files, "Sound files of speech, of any rate").required();
    command.add_option("--model", arguments->model, "Model of the task \"phonemes\": a name or a folder")
        .capture_default_str();
    command.add_option("--sherpa", arguments->sherpa,
                       "Folder that tools/train/phoneme_ctc/for_sherpa.py made of the same model: sherpa-onnx, too");
    command.add_option("--beam", arguments->beam, "Hypotheses kept").in_range(1, 128).capture_default_str();
    command
        .add_option("--chunks", arguments->chunks, "Of 80 ms, for each engine: as many paced, and as many back to back")
        .in_range(1, 10'000'000)
        .capture_default_str();
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.footer(
        "Example: sidetone bench speech deps/audio/speech/*.wav --json speech.json\n"
        "The engines run by turns on one thread, on the same sound and weights. Exit code 1: a heap call of "
        "Sidetone's.\n"
        "How it is measured: docs/speak.md");
    command.callback([arguments, &exit_code] { exit_code = bench_speech(*arguments); });
}

}  // namespace sidetone::cli
