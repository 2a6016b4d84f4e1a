// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <vector>

#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "device/sim_card.hpp"
#include "device/sound_file.hpp"
#include "dsp/alignment.hpp"
#include "engine/chain_file.hpp"
#include "engine/live.hpp"
#include "engine/report.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

// A code is noise of its own, as loud as speech, in silence; every code is looked for by itself.
constexpr double kCodeSeconds = 0.1, kEverySeconds = 0.3, kFirstSeconds = 2;
constexpr double kLongestDelaySeconds = 0.15;
constexpr double kCodeRms = 0.05;
constexpr std::int64_t kAgreeFrames = 2;

struct LatencyArguments {
    std::string chain, json;
    std::uint32_t rate_hz = 48'000, block_frames = 48, channels = 1;
    std::uint32_t codes = 20;
};

struct Codes {
    std::vector<float> sound;
    std::vector<std::size_t> starts;
    std::size_t frames = 0;  // of each
};

Codes make_codes(const LatencyArguments& arguments) {
    const auto frames = [&](double seconds) { return static_cast<std::size_t>(seconds * arguments.rate_hz); };
    Codes codes{.frames = frames(kCodeSeconds)};
    std::mt19937_64 random{1};
    for (std::uint32_t i = 0; i < arguments.codes; ++i) {
        codes.starts.push_back(frames(kFirstSeconds) + i * frames(kEverySeconds));
        codes.sound.resize(codes.starts.back() + frames(kEverySeconds));
        for (std::size_t n = 0; n < codes.frames; ++n) {
            const bool is_up = (random() & 1U) != 0;
            codes.sound[codes.starts.back() + n] = static_cast<float>(is_up ? kCodeRms : -kCodeRms);
        }
    }
    return codes;
}

// A folder of this run's own, gone with it.
class ScratchFolder {
public:
    ScratchFolder() {
        std::random_device seed;
        path_ = std::filesystem::temp_directory_path() / fmt::format("sidetone-latency-{:08x}{:08x}", seed(), seed());
        std::filesystem::create_directory(path_);
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

struct Found {
    double delay_frames = 0;  // of the chain
    double confidence = 0;    // share of codes that were found there
};

Found find_codes(const Codes& codes, std::span<const float> heard, std::uint32_t rate_hz) {
    const auto longest = static_cast<std::size_t>(kLongestDelaySeconds * rate_hz);
    std::vector<std::int64_t> delays;
    for (const auto start : codes.starts) {
        if (start + codes.frames + longest > heard.size()) break;
        const auto sent = std::span{codes.sound}.subspan(start, codes.frames);
        const auto got = heard.subspan(start, codes.frames + longest);
        delays.push_back(dsp::delay_by_cross_correlation(sent, got, static_cast<std::int64_t>(longest)));
    }
    if (delays.empty()) return {};
    auto sorted = delays;
    std::ranges::sort(sorted);
    const auto median = sorted[sorted.size() / 2];
    const auto agree =
        std::ranges::count_if(delays, [&](auto delay) { return std::abs(delay - median) <= kAgreeFrames; });
    return {.delay_frames = static_cast<double>(median),
            .confidence = static_cast<double>(agree) / static_cast<double>(codes.starts.size())};
}

int measure_latency(const LatencyArguments& arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    const auto codes = make_codes(arguments);
    const ScratchFolder folder;
    const auto sent = folder / "sent.wav", heard = folder / "heard.wav";
    device::write_sound_file(sent, {.rate_hz = arguments.rate_hz, .channels = {codes.sound}});

    device::SimSettings card;
    card.pacing.rate_hz = arguments.rate_hz;
    card.pacing.block_frames = arguments.block_frames;
    card.input_channels = card.output_channels = arguments.channels;
    card.input_file = sent;
    card.output_file = heard;
    StatusLine line;
    engine::LiveOptions options;
    const double seconds = static_cast<double>(codes.sound.size()) / arguments.rate_hz;
    options.on_status = [&](const engine::LiveStatus& status) {
        line.show(fmt::format("[{}] {:.1f} s", bar(status.seconds / seconds, 30), status.seconds));
    };
    const std::atomic<bool> never{false};
    const auto report = engine::run_live(
        engine::find_chain(arguments.chain), arguments.channels,
        [&] { return std::make_unique<device::SimCard>(card); }, options, never);
    line.clear();

    const auto recording = device::read_sound_file(heard);
    const auto found = find_codes(codes, recording.channels.front(), arguments.rate_hz);
    auto latency = report.latency;
    const auto reported_ms = latency.chain_ms;
    latency.chain_ms = 1000 * found.delay_frames / arguments.rate_hz;
    const auto total_ms = latency.total_ms() + latency.compute_ms;
    if (!arguments.json.empty()) {
        write_json(arguments.json, {{"latency_ms",
                                     {{"capture", latency.capture_ms},
                                      {"chain", latency.chain_ms},
                                      {"compute", latency.compute_ms},
                                      {"playback", latency.playback_ms},
                                      {"total", total_ms}}},
                                    {"chain_reported_ms", reported_ms},
                                    {"confidence", found.confidence},
                                    {"misses", report.misses},
                                    {"rate_hz", report.rate_hz},
                                    {"block_frames", report.block_frames}});
    }
    for (const auto& decision : report.decisions) fmt::print("{}\n", decision);
    fmt::print(
        "capture   {:6.2f} ms   one period of {} frames\n"
        "chain     {:6.2f} ms   measured; it reports {:.2f} ms\n"
        "compute   {:6.2f} ms   p99 of the callback\n"
        "playback  {:6.2f} ms   one period\n"
        "total     {:6.2f} ms   the converters' own delay is not in it\n"
        "{:.0f} % of {} codes found there\n",
        latency.capture_ms, report.block_frames, latency.chain_ms, reported_ms, latency.compute_ms, latency.playback_ms,
        total_ms, 100 * found.confidence, arguments.codes);
    if (report.misses != 0) fmt::print("{} misses\n", report.misses);
    return found.confidence >= 0.5 && report.misses == 0 ? kFine : kFellShort;
}

}  // namespace

void add_measure_latency(Command measure, int& exit_code) {
    auto arguments = std::make_shared<LatencyArguments>();
    auto command =
        measure.add_subcommand("latency", "How long sound takes through a running chain, by codes sent through it");
    command.add_option("chain", arguments->chain, "Chain file, or the name of a ready-made chain").required();
    command.add_option("--rate", arguments->rate_hz, "Frames a second").in_range(8000, 192'000).capture_default_str();
    command.add_option("--block", arguments->block_frames, "Frames a block").in_range(16, 4096).capture_default_str();
    command.add_option("--channels", arguments->channels, "Channels; the first is listened to")
        .in_range(1, 16)
        .capture_default_str();
    command.add_option("--codes", arguments->codes, "How many codes, 0.3 s each")
        .in_range(1, 1000)
        .capture_default_str();
    command.add_option("--json", arguments->json, "Write the parts to this file");
    command.footer(
        "The chain runs live on the simulated card, whose converters take no time. Bursts of noise, each its own, are\n"
        "looked for in what is heard; confidence is the share of them that were found at the same place.\n\n"
        "Example: sidetone measure latency hearing-aid --block 48 --json latency.json");
    command.callback([arguments, &exit_code] { exit_code = measure_latency(*arguments); });
}

}  // namespace sidetone::cli
