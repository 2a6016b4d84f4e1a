// SPDX-License-Identifier: Apache-2.0
#include "cli/listening.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <csignal>

#include "device/cards.hpp"
#include "device/sound_file.hpp"
#include "engine/chain_file.hpp"
#include "engine/live.hpp"
#include "rt/error.hpp"
#include "stage/tap.hpp"

namespace sidetone::cli {
namespace {

std::atomic<bool> stop_requested{false}, stop_requested_again{false};

void request_stop(int /*signal*/) {
    if (stop_requested.exchange(true)) stop_requested_again = true;
}

stage::Tap& tap_of(engine::ChainFile& chain) {
    for (const auto& link : chain.stages) {
        if (auto* tap = dynamic_cast<stage::Tap*>(link.stage.get())) return *tap;
    }
    throw InputError{fmt::format("{}: found no stage of kind \"tap\", expected one: it is what this command listens to",
                                 chain.path.string())};
}

device::CardRequest card_request(const ListeningArguments& arguments, device::SimSettings& sim) {
    device::CardRequest request;
    request.input = arguments.device;
    if (arguments.has_recording()) {
        if (!arguments.device.empty() && arguments.device != "sim") {
            throw InputError{fmt::format("--input {}: found a sound file with --device {}, expected --device sim",
                                         arguments.input, arguments.device)};
        }
        request.input = "sim";
        sim.input_file = arguments.input;
        sim.input_channels = sim.output_channels = device::SoundFileReader{arguments.input}.channels();
    }
    request.output = request.input;
    request.rate_hz = sim.pacing.rate_hz = arguments.rate_hz;
    request.block_frames = sim.pacing.block_frames = arguments.block_frames;
    request.input_channels = sim.input_channels;
    request.output_channels = sim.output_channels;
    return request;
}

}  // namespace

void add_listening_options(Command command, ListeningArguments& arguments) {
    command.add_option("--device", arguments.device,
                       "Card to listen to: sim, jack, rtaudio, or one that `sidetone devices` lists");
    command.add_option("--input", arguments.input, "Sound file that the simulated card hears in place of a microphone");
    command.add_option("--chain", arguments.chain, "Chain file with a tap, or the name of a ready-made chain")
        .capture_default_str();
    command.add_option("--rate", arguments.rate_hz, "Frames a second").in_range(8000, 192'000);
    command.add_option("--block", arguments.block_frames, "Frames a block").in_range(16, 4096);
    command.add_option("--seconds", arguments.seconds, "Stop after so long").in_range(0.0, 1e9);
}

engine::Report listen(const ListeningArguments& arguments, LiveListener& listener, PhoneScreen& screen,
                      const std::function<bool()>& is_enough) {
    device::SimSettings sim;
    const auto request = card_request(arguments, sim);
    engine::LiveOptions options;
    options.seconds = arguments.seconds;
    options.on_chain = [&](engine::ChainFile& chain) {
        listener.start(tap_of(chain));
        screen.start();
    };
    options.on_message = [](const std::string& message) { spdlog::info("{}", message); };
    options.on_status = [&](const engine::LiveStatus&) {
        if (is_enough()) stop_requested = true;
    };
    options.on_end = [&] {
        listener.finish();
        screen.finish();
    };
    stop_requested = stop_requested_again = false;
    std::signal(SIGINT, request_stop);
    std::signal(SIGTERM, request_stop);
    return engine::run_live(
        engine::find_chain(arguments.chain), sim.input_channels, [&] { return device::open_card(request, sim); },
        options, stop_requested);
}

bool is_stop_urgent() noexcept {
    return stop_requested_again;
}

bool is_clean(const engine::Report& report) noexcept {
    return report.misses == 0 && report.heap_calls.value_or(0) == 0 && report.locks.value_or(0) == 0;
}

}  // namespace sidetone::cli
