// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "engine/calibration_file.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

struct CalibrateArguments {
    std::string card;
    std::optional<double> input_db_spl, output_db_spl;
};

std::string shown(const std::optional<double>& full_scale_db_spl) {
    return full_scale_db_spl ? fmt::format("{:.1f} dB SPL", *full_scale_db_spl) : std::string{"not measured"};
}

int calibrate(const CalibrateArguments& arguments) {
    const auto file = engine::calibration_file();
    if (file.empty()) throw InputError("calibration: found neither XDG_CONFIG_HOME nor HOME, expected one of them");
    auto cards = engine::read_calibrations(file);
    const bool changes = arguments.input_db_spl || arguments.output_db_spl;
    if (changes) {
        if (arguments.card.empty()) throw InputError("calibrate: found no card, expected a name such as \"jack\"");
        auto& card = cards[arguments.card];
        if (arguments.input_db_spl) card.input_full_scale_db_spl = arguments.input_db_spl;
        if (arguments.output_db_spl) card.output_full_scale_db_spl = arguments.output_db_spl;
        engine::write_calibrations(file, cards);
    }
    if (cards.empty()) fmt::print("no card is calibrated yet; see sidetone calibrate --help\n");
    for (const auto& [name, card] : cards) {
        if (!arguments.card.empty() && name != arguments.card) continue;
        fmt::print("{}: full scale is {} at the input, {} at the output\n", name, shown(card.input_full_scale_db_spl),
                   shown(card.output_full_scale_db_spl));
    }
    if (changes) fmt::print("written to {}\n", file.string());
    return kFine;
}

}  // namespace

void add_calibrate(Command app, int& exit_code) {
    auto arguments = std::make_shared<CalibrateArguments>();
    auto command = app.add_subcommand("calibrate", "Tell what full scale of a card is in the air, or show it");
    command.add_option("card", arguments->card, "The card, as `sidetone run --device` names it (\"default\" without)");
    const auto lowest = stage::Calibration::kLowestDbSpl, highest = stage::Calibration::kHighestDbSpl;
    command.add_option("--input", arguments->input_db_spl, "dB SPL at the microphone that have a root mean square of 1")
        .in_range(lowest, highest);
    command.add_option("--output", arguments->output_db_spl, "dB SPL that a root mean square of 1 makes at the ear")
        .in_range(lowest, highest);
    command.footer(
        "A 94 dB calibrator on the microphone that reads -26 dB of full scale (RMS): --input 120.\n"
        "A tone of -20 dB of full scale (RMS) that makes 90 dB SPL at the ear: --output 110.\n"
        "Example: sidetone calibrate jack --input 120 --output 110");
    command.callback([arguments, &exit_code] { exit_code = calibrate(*arguments); });
}

}  // namespace sidetone::cli
