// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/bench.hpp"
#include "cli/bench_infer_report.hpp"
#include "cli/command.hpp"
#include "cli/model_argument.hpp"
#include "cli/stall_option.hpp"
#include "cli/terminal.hpp"
#include "nn/backends.hpp"
#include "nn/model_store.hpp"
#include "nn/native/peak_arithmetic.hpp"
#include "nn/native/profile.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"
#include "rt/shallow_idle.hpp"
#include "rt/stall_watch.hpp"

namespace sidetone::cli {
namespace {

using namespace infer;

constexpr std::size_t kStreamHops = 256;

struct InferArguments {
    std::vector<std::string> models;
    std::string json;
    std::size_t runs = 1000;
    bool watch_stalls = false;
};

/// A model with those backends that would have it: first the reference, the runtime that its files were made for.
struct Candidate {
    nn::Manifest manifest;
    std::vector<std::string> backends;
    std::vector<LoadCost> loads;
    std::string refusal;
};

Candidate candidate_of(const std::string& name) {
    Candidate candidate{.manifest = model_argument(name), .backends = {}, .loads = {}, .refusal = {}};
    for (const auto& graph : candidate.manifest.graphs) nn::verify_weights(candidate.manifest, graph);
    auto backends = nn::backends_for(candidate.manifest);
    std::stable_partition(backends.begin(), backends.end(),
                          [](const std::string& backend) { return backend != kNative; });
    for (const auto& backend : backends) {
        try {
            candidate.loads.push_back(measure_load(candidate.manifest, backend));
            candidate.backends.push_back(backend);
        } catch (const InputError& error) {
            if (backend != kNative) throw;
            candidate.refusal = fmt::format("native refused it: {}", error.what());
        }
    }
    if (candidate.backends.empty()) {
        throw InputError{fmt::format("model \"{}\": no one backend runs all of its files", candidate.manifest.name)};
    }
    return candidate;
}

bool runs_natively(const Candidate& candidate) {
    return std::ranges::find(candidate.backends, kNative) != candidate.backends.end();
}

std::optional<std::uint64_t> multiply_adds_of(const Candidate& candidate) {
    if (!runs_natively(candidate)) return std::nullopt;
    std::uint64_t sum = 0;
    for (const auto& graph : candidate.manifest.graphs) {
        sum += nn::native::plan_of(graph, nn::weights_file(candidate.manifest, graph)).multiply_adds;
    }
    return sum;
}

ModelResult measure(const Candidate& candidate, const InferArguments& arguments, rt::StallWatch* watch,
                    StatusLine& line) {
    const auto& manifest = candidate.manifest;
    ModelResult result{.model = manifest.name,
                       .hop_ns = std::int64_t{1'000'000'000} * manifest.front_end.hop / manifest.sample_rate_hz,
                       .outcomes = {},
                       .loads = candidate.loads,
                       .refusal = candidate.refusal,
                       .multiply_adds = multiply_adds_of(candidate),
                       .peak_multiply_adds_per_second = nn::native::measure_peak_multiply_adds_per_second(),
                       .watched = watch != nullptr};
    std::vector<LoadedModel> models;
    models.reserve(candidate.backends.size() + 1);
    for (const auto& backend : candidate.backends) models.emplace_back(manifest, backend);
    // What a worker rehearses, a callback runs cold.
    if (runs_natively(candidate)) models.emplace_back(manifest, kNative, Caller::callback);
    const Frames frames{manifest, kStreamHops};
    const RunSettings settings{.runs = arguments.runs, .hop_ns = result.hop_ns, .watch = watch};
    std::atomic<std::size_t> done{0};
    auto running = std::async(std::launch::async, [&] { return run_interleaved(models, frames, settings, done); });
    const auto all = static_cast<double>(all_runs(models, settings));
    while (running.wait_for(std::chrono::milliseconds{200}) == std::future_status::timeout) {
        const auto share = std::min(1.0, static_cast<double>(done.load(std::memory_order_relaxed)) / all);
        line.show(fmt::format("[{}] {}", bar(share, 30), manifest.name));
    }
    result.outcomes = running.get();
    line.clear();
    return result;
}

int bench_infer(const InferArguments& arguments) {
    const rt::ShallowIdle shallow_idle;  // as a live run has it
    if (!arguments.json.empty()) check_writable(arguments.json);
    StatusLine line;
    // All models are loaded once in processes of their own before this one has any library's threads or memory.
    std::vector<Candidate> candidates;
    for (const auto& name : arguments.models) {
        line.show(fmt::format("loading {}", name));
        candidates.push_back(candidate_of(name));
    }
    rt::calibrate_clock();
    const auto watch = watch_stalls(arguments.watch_stalls, kWorkerPriority);
    auto results = nlohmann::json::array();
    int exit_code = kFine;
    double peak = 0;
    for (const auto& candidate : candidates) {
        const auto result = measure(candidate, arguments, watch.get(), line);
        peak = std::max(peak, result.peak_multiply_adds_per_second);
        for (auto& entry : to_json(result)) results.push_back(std::move(entry));
        fmt::print("{}", to_text(result));
        std::fflush(stdout);
        for (const auto& what : shortcomings(result)) {
            spdlog::warn("{}", what);
            exit_code = kFellShort;
        }
    }
    if (!arguments.json.empty()) {
        write_json(arguments.json, {{"peak_multiply_adds_per_second", peak}, {"results", results}});
    }
    return exit_code;
}

}  // namespace

void add_bench_infer(Command bench, int& exit_code) {
    auto arguments = std::make_shared<InferArguments>();
    auto command = bench.add_subcommand(
        "infer", "Compare the backends that run a model: the native executor, ONNX Runtime, TensorFlow Lite");
    command.add_option("models", arguments->models, "Models' names, their folders, or .onnx and .tflite files")
        .required();
    command.add_option("--runs", arguments->runs, "Of each backend, paced at the model's hop, and as many back to back")
        .in_range(1, 10'000'000)
        .capture_default_str();
    command.add_flag("--watch-stalls", arguments->watch_stalls,
                     "Give beside all runs those during which no processor stood still (virtual machines' do)");
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.footer(
        "Example: sidetone bench infer gtcrn silero-vad --json infer.json\n"
        "One thread. Exit code 1: outputs differ by more than 1e-4 of their range, or a promise was broken.\n"
        "How each figure is measured: docs/native-executor.md");
    command.callback([arguments, &exit_code] { exit_code = bench_infer(*arguments); });
}

}  // namespace sidetone::cli
