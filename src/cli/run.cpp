// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/card_calibration.hpp"
#include "cli/command.hpp"
#include "cli/device_profile.hpp"
#include "cli/terminal.hpp"
#include "device/cards.hpp"
#include "device/sound_file.hpp"
#include "engine/chain_file.hpp"
#include "engine/live.hpp"
#include "engine/profile_file.hpp"
#include "rt/error.hpp"
#include "serve/osc_server.hpp"

namespace sidetone::cli {
namespace {

// What plays on after a file has ended, so that what is still in the chain comes out.
constexpr double kTailSeconds = 0.5;

std::atomic<bool> stop_requested{false};

struct RunArguments {
    std::string chain, device, input, output, json, osc;
    std::uint32_t rate_hz = 0, block_frames = 0, channels = 0;
    std::uint32_t output_channels = 0;
    double seconds = 0;
    bool sim_join = false, no_profile = false, deep_idle = false, watch_stalls = false;
    device::SimSettings sim;
};

bool is_sound_file(const std::string& name) {
    return std::filesystem::path(name).has_extension();
}

// `--in` and `--out` are sound files, played and recorded by the simulated card, or cards.
device::CardRequest card_request(const RunArguments& arguments, device::SimSettings& sim) {
    device::CardRequest request;
    request.input = request.output = arguments.device;
    const auto place = [&](const std::string& name, std::string& card, std::filesystem::path& file,
                           const char* option) {
        if (name.empty()) return;
        if (!is_sound_file(name)) {
            card = name;
            return;
        }
        if (!arguments.device.empty() && arguments.device != "sim") {
            throw InputError(fmt::format("{} {}: found a sound file with --device {}, expected --device sim", option,
                                         name, arguments.device));
        }
        card = "sim";
        file = name;
    };
    place(arguments.input, request.input, sim.input_file, "--in");
    place(arguments.output, request.output, sim.output_file, "--out");
    if (request.input.empty()) request.input = request.output;
    if (request.output.empty()) request.output = request.input;
    std::error_code error;
    if (std::filesystem::equivalent(sim.input_file, sim.output_file, error)) {
        throw InputError(
            fmt::format("{}: is the input as well, expected another file for the output", arguments.output));
    }
    if (arguments.sim_join) {
        if (request.input != "sim" || request.output != "sim") {
            throw InputError("--sim-join: found another card, expected only simulated ones: --in and --out as files");
        }
        request.input = "sim:listens";
        request.output = "sim:plays";
    }
    request.rate_hz = sim.pacing.rate_hz = arguments.rate_hz;
    request.block_frames = sim.pacing.block_frames = arguments.block_frames;
    return request;
}

// As many channels as were asked for, else as the file has, else one.
std::uint32_t channel_count(const RunArguments& arguments, const device::SimSettings& sim) {
    if (arguments.channels != 0) return arguments.channels;
    return sim.input_file.empty() ? 1 : device::SoundFileReader{sim.input_file}.channels();
}

// The loudest channel in decibels; one or two channels as a bar, more as one character each.
std::string level_text(const std::vector<float>& peaks_dbfs) {
    const double loudest = peaks_dbfs.empty() ? -120 : static_cast<double>(*std::ranges::max_element(peaks_dbfs));
    const auto picture = peaks_dbfs.size() > 2 ? meter(peaks_dbfs) : bar((loudest + 60) / 60, 8);
    return fmt::format("{:6.1f} dB [{}]", loudest, picture);
}

std::string status_text(const engine::LiveStatus& status) {
    if (!status.sounding) return fmt::format("{:7.1f} s  waiting for the card", status.seconds);
    return fmt::format("{:7.1f} s  in {}  out {}  load {:3.0f} %  misses {}  latency {:.1f} ms", status.seconds,
                       level_text(status.input_peaks_dbfs), level_text(status.output_peaks_dbfs), 100 * status.load,
                       status.misses, status.latency_ms);
}

// A run begins with the settings of the device it plays on; when sound goes to another one, so do they.
void options_of_profiles(engine::LiveOptions& options, const std::string& device, const std::filesystem::path& chain) {
    if (has_settings(device, chain)) {
        options.on_chain = [device, chain](engine::ChainFile& file) {
            try {
                file.settings.restore(settings_of_device(device, chain));
            } catch (const InputError& error) {
                throw InputError(
                    fmt::format("{}: profile of \"{}\": {}", engine::profile_file().string(), device, error.what()));
            }
        };
    }
    options.settings_of = [chain](const std::string& now_at) { return settings_of_device(now_at, chain); };
}

int run(RunArguments arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    auto& sim = arguments.sim;
    auto request = card_request(arguments, sim);
    const auto channels = channel_count(arguments, sim);
    request.input_channels = sim.input_channels = channels;
    request.output_channels = sim.output_channels =
        arguments.output_channels == 0 ? channels : arguments.output_channels;
    const auto rate = sim.input_file.empty() ? 48'000U : device::SoundFileReader{sim.input_file}.rate_hz();
    sim.tail_frames = static_cast<std::uint64_t>(kTailSeconds * rate);

    std::optional<serve::OscServer> osc;
    if (!arguments.osc.empty()) osc.emplace(arguments.osc);

    const auto device = arguments.no_profile ? std::string{} : device::playback_name(request);
    const auto chain = engine::find_chain(arguments.chain.empty() ? chain_of_device(device) : arguments.chain);

    StatusLine line;
    engine::LiveOptions options;
    if (!arguments.no_profile) options_of_profiles(options, device, chain);
    options.calibration = stored_calibration(request.input, request.output);
    options.seconds = arguments.seconds;
    options.deep_idle = arguments.deep_idle;
    options.watch_stalls = arguments.watch_stalls;
    options.remote = osc ? &*osc : nullptr;
    options.on_status = [&](const engine::LiveStatus& status) { line.show(status_text(status)); };
    options.on_message = [&](const std::string& message) {
        line.clear();
        spdlog::info("{}", message);
    };
    stop_requested = false;
    std::signal(SIGINT, [](int) { stop_requested = true; });
    std::signal(SIGTERM, [](int) { stop_requested = true; });
    const auto report = engine::run_live(
        chain, channels, [&] { return device::open_card(request, sim); }, options, stop_requested);
    line.clear();
    if (!arguments.json.empty()) write_json(arguments.json, engine::to_json(report));
    fmt::print("{}", engine::to_text(report));
    const bool clean = report.misses == 0 && report.model_failures == 0 && report.heap_calls.value_or(0) == 0 &&
                       report.locks.value_or(0) == 0;
    return clean ? kFine : kFellShort;
}

void add_sim_options(Command command, RunArguments& arguments) {
    auto& sim = arguments.sim;
    const auto group = "The simulated card";
    command
        .add_flag(
            "--sim-join", arguments.sim_join,
            "Two cards, each with a clock of its own: one listens, and --sim-skew-ppm is its; the other one plays")
        .group(group);
    command.add_option("--sim-jitter-us", sim.pacing.jitter_us, "Callbacks come up to so much late")
        .in_range(0.0, 1e6)
        .group(group);
    command.add_option("--sim-skew-ppm", sim.pacing.skew_ppm, "The card's clock is so much fast")
        .in_range(-1e4, 1e4)
        .group(group);
    command.add_option("--sim-drop", sim.pacing.drop_share, "Share of callbacks that do not come")
        .in_range(0.0, 1.0)
        .group(group);
    command.add_option("--sim-double", sim.pacing.double_share, "Share of callbacks that come late, two in a row")
        .in_range(0.0, 1.0)
        .group(group);
    command
        .add_option("--sim-blocks", sim.pacing.block_pattern, "Block sizes to go through in turn, such as 64,100,333")
        .delimiter(',')
        .in_range(1, 8192)
        .group(group);
    command.add_option("--sim-vanish", sim.vanish_after_s, "The card is unplugged after so many seconds")
        .in_range(0.0, 1e6)
        .excludes("--sim-join")
        .group(group);
    command.add_option("--sim-return", sim.return_after_s, "… and plugged in again so many seconds later")
        .in_range(0.0, 1e6)
        .group(group);
    command.add_option("--sim-seed", sim.pacing.seed, "Seed of all that is random").group(group);
}

}  // namespace

void add_run(Command app, int& exit_code) {
    auto arguments = std::make_shared<RunArguments>();
    auto command = app.add_subcommand("run", "Run a chain live, from a card to a card");
    command.add_option("chain", arguments->chain,
                       "Chain file, or the name of a ready-made chain (else that of the device's profile)");
    command.add_option("--device", arguments->device,
                       "Card for both ways: sim, jack, rtaudio, or one that `sidetone devices` lists");
    command.add_option("--in", arguments->input, "Card to listen to, or a sound file that the simulated card plays");
    command.add_option("--out", arguments->output, "Card to play on, or a WAV file that the simulated card records");
    command.add_flag("--no-profile", arguments->no_profile, "Leave what `sidetone profile` keeps for the device")
        .needs("chain");
    command.add_option("--rate", arguments->rate_hz, "Frames a second").in_range(8000, 192'000);
    command.add_option("--block", arguments->block_frames, "Frames a block").in_range(16, 4096);
    command.add_option("--channels", arguments->channels, "Channels (as the file has, else 1)").in_range(1, 16);
    command
        .add_option("--out-channels", arguments->output_channels,
                    "Play only so many channels, from the first on: 2 for what `spatialise` makes (as --channels)")
        .in_range(1, 16);
    command.add_option("--seconds", arguments->seconds, "Stop after so long (else at the file's end, or Ctrl-C)")
        .in_range(0.0, 1e9);
    command.add_flag(
        "--deep-idle", arguments->deep_idle,
        "Let processors sleep deeply between blocks: takes less power, and wakes late and with cold caches");
    command.add_flag("--watch-stalls", arguments->watch_stalls,
                     "Find out when the machine itself stands still (virtual ones do), and count misses of that apart");
    command.add_option("--json", arguments->json, "Write the ledger to this file");
    command.add_option("--osc", arguments->osc,
                       "Take changes of settings (/limit/ceiling_dbfs -12) at this UDP port, from this machine only; "
                       "ADDRESS:PORT listens on the network");
    add_sim_options(command, *arguments);
    command.footer(
        "Examples:\n"
        "  sidetone run denoise --device jack\n"
        "  sidetone run denoise --in noisy.wav --out heard.wav --rate 48000 --block 128 --json ledger.json");
    command.callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace sidetone::cli
