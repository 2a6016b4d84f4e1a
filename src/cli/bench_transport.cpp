// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <thread>
#include <vector>

#include "cli/bench.hpp"
#include "cli/command.hpp"
#include "cli/stall_option.hpp"
#include "cli/terminal.hpp"
#include "cli/transport_check.hpp"
#include "cli/transport_naive.hpp"
#include "cli/transport_polling.hpp"
#include "cli/transport_report.hpp"
#include "cli/transport_sidetone.hpp"
#include "device/sound_file.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "nn/model_store.hpp"
#include "rt/error.hpp"
#include "rt/shallow_idle.hpp"

namespace sidetone::cli {
namespace {

using namespace transport;

constexpr double kSliceSeconds = 2;
constexpr double kCheckSeconds = 2;
constexpr double kLongestSoundSeconds = 60;

struct TransportArguments {
    std::string model = "dtln", backend = "auto", input, json;
    std::vector<std::uint32_t> blocks{32, 64, 128, 256, 512};
    std::uint32_t rate_hz = 48'000;
    double seconds = 10;
    bool check_only = false, quick = false, watch_stalls = false;
};

// ── what is played ──────────────────────────────────────────────────────────────────────────────

// Something that a speech denoiser has work with: a gliding voice, four syllables a second, in noise.
std::vector<float> make_voice(std::uint32_t rate_hz) {
    constexpr double kSeconds = 4;
    std::vector<float> sound(static_cast<std::size_t>(kSeconds * rate_hz));
    std::uint32_t random = 1;
    double phase = 0;
    for (std::size_t i = 0; i < sound.size(); ++i) {
        const double time = static_cast<double>(i) / rate_hz;
        phase += (140 + 30 * std::sin(2 * std::numbers::pi * time / kSeconds)) / rate_hz;
        double voice = 0;
        for (int k = 1; k <= 20; ++k) voice += std::sin(2 * std::numbers::pi * k * phase) / k;
        const double syllable = std::max(0.0, std::sin(2 * std::numbers::pi * 4 * time));
        random = random * 1664525U + 1013904223U;
        const double noise = static_cast<double>(random >> 8U) / 16777216.0 - 0.5;
        sound[i] = static_cast<float>(0.12 * syllable * voice + 0.02 * noise);
    }
    return sound;
}

std::vector<float> read_sound(const std::string& file, std::uint32_t rate_hz) {
    auto sound = device::read_sound_file(file);
    auto& channel = sound.channels.front();
    channel.resize(std::min(channel.size(), static_cast<std::size_t>(kLongestSoundSeconds * sound.rate_hz)));
    if (sound.rate_hz == rate_hz) return std::move(channel);
    const dsp::PolyphaseResampler resampler{sound.rate_hz, rate_hz};
    const auto silence = std::size_t{2} * resampler.half();
    const auto frames = static_cast<std::int64_t>(channel.size());
    channel.insert(channel.begin(), silence, 0.0F);
    channel.resize(channel.size() + silence);
    std::vector<float> result(static_cast<std::size_t>(resampler.outputs_ready(frames + resampler.half())));
    resampler.compute(channel.data(), -static_cast<std::int64_t>(silence), 0, result.size(), result.data());
    return result;
}

// ── the comparison ──────────────────────────────────────────────────────────────────────────────

std::vector<std::unique_ptr<Pipeline>> make_pipelines(const TransportArguments& arguments,
                                                      const nn::Manifest& manifest) {
    std::vector<std::unique_ptr<Pipeline>> pipelines;
    pipelines.push_back(std::make_unique<NaivePipeline>(manifest, arguments.rate_hz));
    pipelines.push_back(std::make_unique<PollingPipeline>(manifest, arguments.rate_hz));
    for (const auto mode : {stage::Mode::pipelined, stage::Mode::direct}) {
        pipelines.push_back(
            std::make_unique<SidetonePipeline>(manifest, arguments.model, arguments.backend, mode, arguments.rate_hz));
    }
    return pipelines;
}

std::string machine_description() {
    std::string model = "unknown processor";
    std::ifstream info{"/proc/cpuinfo"};
    for (std::string line; std::getline(info, line);) {
        if (!line.starts_with("model name")) continue;
        model = line.substr(line.find(':') + 2);
        break;
    }
    utsname system{};
    uname(&system);
    return fmt::format("{} x {}, {} {}", std::thread::hardware_concurrency(), model, system.sysname, system.release);
}

// The pipelines that are compared hand one frame from graph to graph.
nn::Manifest model_of_frames(const std::string& name) {
    auto model = nn::find_model(name);
    if (model.deep_filter.bands == 0) return model;
    throw InputError{fmt::format("{}: found a table [deep_filter], expected graphs that hand on a frame",
                                 (model.folder / "model.toml").string())};
}

class Comparison {
public:
    explicit Comparison(const TransportArguments& arguments)
        : arguments_(arguments),
          manifest_(model_of_frames(arguments.model)),
          sound_(arguments.input.empty() ? make_voice(arguments.rate_hz)
                                         : read_sound(arguments.input, arguments.rate_hz)),
          pipelines_(make_pipelines(arguments, manifest_)),
          watch_(watch_stalls(arguments.watch_stalls, device::SimSettings{}.priority)) {}

    [[nodiscard]] CheckResult check(std::uint32_t block_frames) {
        show("comparing outputs", block_frames);
        const auto frames = std::min(sound_.size(), static_cast<std::size_t>(kCheckSeconds * arguments_.rate_hz));
        return check_equal_work(pipelines_, arguments_.rate_hz, block_frames, {sound_.data(), frames});
    }

    [[nodiscard]] BlockOutcome measure(std::uint32_t block_frames);
    void clear() { line_.clear(); }

private:
    void show(const char* what, std::uint32_t block_frames) {
        const auto all = static_cast<double>(arguments_.blocks.size() * (pipelines_.size() + 1)) * arguments_.seconds;
        line_.show(fmt::format("[{}] {:>4} frames: {}", bar(std::min(1.0, done_s_ / all), 30), block_frames, what));
    }
    void measure_slice(Pipeline& pipeline, const device::SimSettings& card, double seconds, Outcome& outcome) {
        show(pipeline.name(), card.pacing.block_frames);
        run_slice(pipeline, card, seconds, rt::stall_finder(watch_.get()), outcome);
        if (watch_) watch_->collect();
        done_s_ += seconds;
    }

    const TransportArguments& arguments_;
    nn::Manifest manifest_;
    std::vector<float> sound_;
    std::vector<std::unique_ptr<Pipeline>> pipelines_;
    std::unique_ptr<rt::StallWatch> watch_;  // null: nobody watches
    StatusLine line_;
    double done_s_ = 0;
};

// Short slices in turn, and another pipeline first in each round, so that the machine's moods meet all alike.
BlockOutcome Comparison::measure(std::uint32_t block_frames) {
    BlockOutcome block;
    block.block_frames = block_frames;
    block.check = check(block_frames);
    block.floor = std::make_unique<Outcome>();
    for (const auto& pipeline : pipelines_) {
        block.names.push_back(pipeline->name());
        block.outcomes.push_back(std::make_unique<Outcome>());
    }
    const auto card = card_settings(arguments_.rate_hz, block_frames, sound_);
    const auto rounds = static_cast<std::size_t>(std::max(1.0, std::round(arguments_.seconds / kSliceSeconds)));
    const auto slice_s = arguments_.seconds / static_cast<double>(rounds);
    EmptyPipeline nothing;
    for (std::size_t round = 0; round < rounds; ++round) {
        measure_slice(nothing, card, slice_s, *block.floor);
        for (std::size_t i = 0; i < pipelines_.size(); ++i) {
            const auto turn = (round + i) % pipelines_.size();
            measure_slice(*pipelines_[turn], card, slice_s, *block.outcomes[turn]);
        }
    }
    return block;
}

bool fell_short(const BlockOutcome& block) {
    if (!block.check.is_good()) return true;
    if (!block.floor) return false;
    return block.of("pipelined").misses_of(engine::Cause::ours) > 0 ||
           block.of("direct").misses_of(engine::Cause::ours) > 0;
}

void print_check(const CheckResult& check) {
    if (check.is_good()) {
        fmt::print("{:>6} frames: the four outputs are equal to {} step{} of 16 bits (peak {})\n", check.block_frames,
                   check.max_difference, check.max_difference == 1 ? "" : "s", check.loudest);
    } else {
        fmt::print("{:>6} frames: NOT EQUAL: {} and direct differ by {} steps of 16 bits (peak {})\n",
                   check.block_frames, check.between, check.max_difference, check.loudest);
    }
}

int bench_transport(TransportArguments arguments) {
    const rt::ShallowIdle shallow_idle;  // as a live run has it
    if (!arguments.json.empty()) check_writable(arguments.json);
    if (arguments.quick) arguments.seconds = std::min(arguments.seconds, 0.5);
    Comparison comparison{arguments};
    TransportReport report;
    report.model = arguments.model;
    report.machine = machine_description();
    report.rate_hz = arguments.rate_hz;
    report.seconds = arguments.seconds;
    int result = kFine;
    for (const auto frames : arguments.blocks) {
        auto& block = report.blocks.emplace_back();
        if (arguments.check_only) {
            block.block_frames = frames;
            block.check = comparison.check(frames);
        } else {
            block = comparison.measure(frames);
        }
        comparison.clear();
        if (!arguments.check_only) fmt::print("{}", table_of(block, arguments.rate_hz));
        print_check(block.check);
        std::fflush(stdout);
        if (fell_short(block)) result = kFellShort;
    }
    if (!arguments.check_only) {
        report.cyclic = run_cyclictest(arguments.quick ? 1 : 10);
        fmt::print("{}", summary_of(report));
    }
    if (!arguments.json.empty()) write_json(arguments.json, to_json(report));
    return result;
}

}  // namespace

void add_bench_transport(Command bench, int& exit_code) {
    auto arguments = std::make_shared<TransportArguments>();
    auto command = bench.add_subcommand(
        "transport",
        "Compare four ways to bring blocks to a model and back: naive, polling, Sidetone pipelined and direct");
    command.add_option("--model", arguments->model, "A model's name, or its folder").capture_default_str();
    command.add_option("--backend", arguments->backend, "Of Sidetone's pipelines: auto, tflite, onnxruntime, native")
        .capture_default_str();
    command.add_option("--blocks", arguments->blocks, "Frames a block, such as 32,64,128")
        .delimiter(',')
        .in_range(16, 4096)
        .capture_default_str();
    command.add_option("--rate", arguments->rate_hz, "Frames a second").in_range(8000, 192'000).capture_default_str();
    command.add_option("--seconds", arguments->seconds, "That count, for each pipeline and block size")
        .in_range(0.1, 1e5)
        .capture_default_str();
    command.add_option("--in", arguments->input, "Sound file to play over and over (else a made voice)");
    command.add_flag("--check", arguments->check_only, "Only compare the four outputs; no timing");
    command.add_flag("--quick", arguments->quick, "Half a second each: whether it runs, not how fast");
    command.add_flag("--watch-stalls", arguments->watch_stalls,
                     "Find out when the machine itself stands still (virtual ones do), and count misses of that apart");
    command.add_option("--json", arguments->json, "Write the figures to this file");
    command.footer(
        "Examples:\n"
        "  sidetone bench transport --json transport.json\n"
        "  sidetone bench transport --blocks 128 --seconds 60\n"
        "How each figure is measured: docs/measuring.md");
    command.callback([arguments, &exit_code] { exit_code = bench_transport(*arguments); });
}

}  // namespace sidetone::cli
