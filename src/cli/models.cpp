// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "nn/backends.hpp"
#include "nn/model_store.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr const char* kReady = "ready";

// kReady, or what is missing; never throws for weights that are not there.
std::string state_of(const nn::Manifest& model) {
    try {
        for (const auto& graph : model.graphs) (void)nn::weights_file(model, graph);
        return kReady;
    } catch (const InputError&) {
        const bool has_url =
            std::all_of(model.graphs.begin(), model.graphs.end(), [](const auto& g) { return !g.url.empty(); });
        return has_url ? "to be pulled" : "missing: run scripts/setup";
    }
}

int list() {
    fmt::print("{:<14} {:<9} {:>6} {:>5} {:>7}  {:<14} {}\n", "name", "task", "Hz", "hop", "window", "licence",
               "state");
    for (const auto& model : nn::list_models()) {
        fmt::print("{:<14} {:<9} {:>6} {:>5} {:>7}  {:<14} {}\n", model.name, model.task, model.sample_rate_hz,
                   model.front_end.hop, model.front_end.length, model.licence, state_of(model));
    }
    return kFine;
}

void print_tensors(const char* what, const std::vector<nn::TensorInfo>& tensors) {
    for (const auto& tensor : tensors) fmt::print("    {} {} [{}]\n", what, tensor.name, fmt::join(tensor.shape, ", "));
}

int inspect(const std::string& name) {
    const auto model = nn::find_model(name);
    fmt::print("{}: {}\n  licence  {}\n  source   {}\n  folder   {}\n  signal   {} Hz, window {}, hop {}\n", model.name,
               model.description, model.licence, model.source, model.folder.string(), model.sample_rate_hz,
               model.front_end.length, model.front_end.hop);
    for (const auto& graph : model.graphs) {
        fmt::print("  graph {}\n", graph.file);
        print_tensors("in ", graph.inputs);
        print_tensors("out", graph.outputs);
        for (const auto& state : graph.states) fmt::print("    state {} -> {}\n", state.output, state.input);
    }
    const auto state = state_of(model);
    fmt::print("  weights  {}\n", state);
    if (state != kReady) return kFine;
    const auto opened = nn::open_model(model, "auto");
    fmt::print("  backend  {} ({})\n", opened.backend, opened.refusal.empty() ? opened.reason : opened.refusal);
    return kFine;
}

int verify(const std::string& name) {
    const auto model = nn::find_model(name);
    for (const auto& graph : model.graphs) {
        nn::verify_weights(model, graph);
        fmt::print("{}: the SHA-256 is the manifest's\n", nn::weights_file(model, graph).string());
    }
    return kFine;
}

int pull(const std::string& name) {
    const auto model = nn::find_model(name);
    StatusLine line;
    nn::pull_model(model, [&](const nn::PullProgress& p) {
        const auto share =
            p.total_bytes == 0 ? 0.0 : static_cast<double>(p.received_bytes) / static_cast<double>(p.total_bytes);
        line.show(
            fmt::format("{} [{}] {:.1f} MB", p.file, bar(share, 40), static_cast<double>(p.received_bytes) / 1e6));
    });
    line.clear();
    return verify(name);
}

}  // namespace

void add_models(CLI::App& app, int& exit_code) {
    auto* models = app.add_subcommand("models", "List, look into, fetch and check models");
    models->require_subcommand(1);
    models->footer("Example: sidetone models pull gtcrn");
    models->add_subcommand("list", "Models there are, and whether their weights are here")
        ->footer("Example: sidetone models list")
        ->callback([&exit_code] { exit_code = list(); });
    const auto add = [&](const char* verb, const char* what, int (*act)(const std::string&)) {
        auto name = std::make_shared<std::string>();
        auto* command = models->add_subcommand(verb, what);
        command->add_option("model", *name, "A model's name, or its folder")->required();
        command->footer(fmt::format("Example: sidetone models {} dtln", verb));
        command->callback([name, act, &exit_code] { exit_code = act(*name); });
    };
    add("inspect", "What a model is, consumes and produces", inspect);
    add("pull", "Fetch a model's weights from its publisher and check them", pull);
    add("verify", "Compare a model's weights with the SHA-256 in its manifest", verify);
}

}  // namespace sidetone::cli
