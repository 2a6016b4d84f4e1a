// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/card_calibration.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "engine/chain_file.hpp"
#include "engine/offline.hpp"

namespace sidetone::cli {
namespace {

struct ProcessArguments {
    std::string chain, input, output, json, device;
    engine::OfflineOptions options;
};

int process(ProcessArguments arguments) {
    if (!arguments.json.empty()) check_writable(arguments.json);
    arguments.options.calibration = stored_calibration(arguments.device, arguments.device);
    arguments.options.on_message = [](const std::string& message) { spdlog::info("{}", message); };
    StatusLine line;
    const auto progress = [&](double share) { line.show(fmt::format("[{}] {:3.0f} %", bar(share, 40), 100 * share)); };
    const auto report = engine::process_file(engine::find_chain(arguments.chain), arguments.input, arguments.output,
                                             arguments.options, progress);
    line.clear();
    if (!arguments.json.empty()) write_json(arguments.json, engine::to_json(report));
    fmt::print("{}: {:.1f} s, delay {} frames ({:.2f} ms){}\n", arguments.output, report.seconds, report.delay_frames,
               report.latency.chain_ms, arguments.options.align ? ", taken off" : "");
    if (report.not_finite != 0)
        fmt::print("replaced {} samples that were NaN or infinite by silence\n", report.not_finite);
    if (report.misses == 0) return kFine;
    fmt::print("the model failed on {} hops; they were covered\n", report.misses);
    return kFellShort;
}

}  // namespace

void add_process(Command app, int& exit_code) {
    auto arguments = std::make_shared<ProcessArguments>();
    auto command = app.add_subcommand("process", "Run a chain over a sound file, as fast as it goes");
    command.add_option("chain", arguments->chain, "Chain file, or the name of a ready-made chain").required();
    command.add_option("input", arguments->input, "Sound file to read (WAV, FLAC, Ogg, …)").required();
    command.add_option("output", arguments->output, "WAV file to write (32-bit float)").required();
    command.add_option("--block", arguments->options.block_frames, "Frames a block; the result does not depend on it")
        .in_range(1, 65536)
        .capture_default_str();
    command.add_flag("--align", arguments->options.align, "Take the chain's delay off: the output lies on the input");
    command
        .add_option("--channels", arguments->options.channels,
                    "Write only so many channels, from the first on: 2 for what `spatialise` makes (0: all)")
        .in_range(0, 16);
    command.add_option("--device", arguments->device,
                       "The card whose calibration counts, as `sidetone calibrate` names it (else \"default\")");
    command.add_option("--json", arguments->json, "Write the ledger to this file");
    command.footer("Example: sidetone process denoise noisy.wav clean.wav --align");
    command.callback([arguments, &exit_code] { exit_code = process(*arguments); });
}

}  // namespace sidetone::cli
