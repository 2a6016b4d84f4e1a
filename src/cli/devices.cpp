// SPDX-License-Identifier: Apache-2.0
#include "device/cards.hpp"

#include <fmt/format.h>

#include "cli/command.hpp"

namespace sidetone::cli {
namespace {

int devices() {
    fmt::print("{:<28} {:>3} {:>4}  {:<32} {}\n", "name", "in", "out", "rates (Hz)", "what it is");
    for (const auto& card : device::list_cards()) {
        std::string rates;
        for (const auto rate : card.rates_hz) rates += fmt::format("{}{}", rates.empty() ? "" : " ", rate);
        fmt::print("{:<28} {:>3} {:>4}  {:<32} {}\n", card.name, card.input_channels, card.output_channels,
                   rates.empty() ? "any" : rates, card.description);
    }
    return kFine;
}

}  // namespace

void add_devices(Command app, int& exit_code) {
    auto command = app.add_subcommand("devices", "List the sound cards that `run --device` takes");
    command.footer("Example: sidetone devices");
    command.callback([&exit_code] { exit_code = devices(); });
}

}  // namespace sidetone::cli
