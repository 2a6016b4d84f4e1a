// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/bench.hpp"
#include "cli/card_calibration.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "device/sim_card.hpp"
#include "device/sound_file.hpp"
#include "engine/chain_file.hpp"
#include "engine/live.hpp"
#include "rt/shallow_idle.hpp"

namespace sidetone::cli {
namespace {

std::atomic<bool> stop_requested{false};

struct ChainArguments {
    std::string chain, input, json, device = "sim";
    std::uint32_t rate_hz = 48'000, block_frames = 128, channels = 1;
    double seconds = 10;
};

// Quiet noise: a chain may take short cuts in silence, and denormals never come from it.
void make_noise(std::uint64_t first_frame, std::uint32_t channel, std::span<float> samples) noexcept {
    for (auto& sample : samples) {
        // SplitMix64's finalizer (Steele, Lea and Flood, 2014) of the frame's number.
        auto z = (first_frame++ * 16 + channel) * 0x9E3779B97F4A7C15ULL;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        sample = (static_cast<float>(z >> 40U) / 16777216.0F - 0.5F) * 0.05F;
    }
}

device::SimSettings card_of(const ChainArguments& arguments) {
    device::SimSettings card;
    card.pacing.rate_hz = arguments.rate_hz;
    card.pacing.block_frames = arguments.block_frames;
    card.input_channels = card.output_channels = arguments.channels;
    card.format = dsp::SampleFormat::s16;
    card.interleaved = true;
    if (arguments.input.empty()) {
        card.generator = make_noise;
    } else {
        card.input_file = arguments.input;
        card.pacing.rate_hz = device::SoundFileReader{arguments.input}.rate_hz();
    }
    return card;
}

int bench_chain(const ChainArguments& arguments) {
    const rt::ShallowIdle shallow_idle;  // as a live run has it
    if (!arguments.json.empty()) check_writable(arguments.json);
    const auto card = card_of(arguments);
    StatusLine line;
    engine::LiveOptions options;
    options.seconds = arguments.seconds;
    options.calibration = stored_calibration(arguments.device, arguments.device);
    options.on_status = [&](const engine::LiveStatus& status) {
        line.show(fmt::format("[{}] {:.1f} s  load {:.0f} %  misses {}", bar(status.seconds / arguments.seconds, 30),
                              status.seconds, 100 * status.load, status.misses));
    };
    options.on_message = [&](const std::string& message) {
        line.clear();
        spdlog::info("{}", message);
    };
    stop_requested = false;
    std::signal(SIGINT, [](int) { stop_requested = true; });
    const auto report = engine::run_live(
        engine::find_chain(arguments.chain), arguments.channels,
        [&] { return std::make_unique<device::SimCard>(card); }, options, stop_requested);
    line.clear();

    const double period_us = 1e6 * report.block_frames / report.rate_hz;
    auto json = engine::to_json(report);
    auto shares = nlohmann::json::object();
    std::string text;
    for (const auto& part : report.lines) {
        if (part.name != "callback") continue;
        const auto share = [&](double us) { return us / period_us; };
        shares = {{"mean", share(part.us.mean)},
                  {"p50", share(part.us.p50)},
                  {"p99", share(part.us.p99)},
                  {"max", share(part.us.max)}};
        text = fmt::format(
            "  period    {:.0f} us, of which the callback takes {:.1f} % (mean), {:.1f} % (p50), {:.1f} % (p99), "
            "{:.1f} % (max)\n",
            period_us, 100 * share(part.us.mean), 100 * share(part.us.p50), 100 * share(part.us.p99),
            100 * share(part.us.max));
    }
    json["period_us"] = period_us;
    json["callback_share_of_period"] = shares;
    if (!arguments.json.empty()) write_json(arguments.json, json);
    fmt::print("{}{}", engine::to_text(report), text);
    const bool clean = report.misses == 0 && report.model_failures == 0 && report.heap_calls.value_or(0) == 0 &&
                       report.locks.value_or(0) == 0;
    return clean ? kFine : kFellShort;
}

}  // namespace

void add_bench_chain(Command bench, int& exit_code) {
    auto arguments = std::make_shared<ChainArguments>();
    auto command = bench.add_subcommand("chain", "Run a chain on a simulated card, in real time, and print its ledger");
    command.add_option("chain", arguments->chain, "Chain file, or the name of a ready-made chain").required();
    command.add_option("--in", arguments->input, "Sound file to play, at its own rate (else quiet noise)");
    command.add_option("--rate", arguments->rate_hz, "Frames a second").in_range(8000, 192'000).capture_default_str();
    command.add_option("--block", arguments->block_frames, "Frames a block").in_range(16, 4096).capture_default_str();
    command.add_option("--channels", arguments->channels, "Channels").in_range(1, 16).capture_default_str();
    command.add_option("--seconds", arguments->seconds, "How long").in_range(0.1, 1e6).capture_default_str();
    command
        .add_option("--device", arguments->device,
                    "The card whose calibration counts, as `sidetone calibrate` names it")
        .capture_default_str();
    command.add_option("--json", arguments->json, "Write the ledger to this file");
    command.footer("Example: sidetone bench chain denoise --block 64 --seconds 60 --json ledger.json");
    command.callback([arguments, &exit_code] { exit_code = bench_chain(*arguments); });
}

}  // namespace sidetone::cli
