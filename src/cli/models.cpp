// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/model_argument.hpp"
#include "cli/model_plan.hpp"
#include "cli/terminal.hpp"
#include "nn/backends.hpp"
#include "nn/model_store.hpp"
#include "nn/word_model.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

constexpr const char* kReady = "ready";
constexpr const char* kToBePulled = "to be pulled";
constexpr const char* kWords = "words";  // the task of nn/word_model.hpp

// kReady, or what is missing; never throws for weights that are not there.
std::string state_of(const nn::Manifest& model) {
    if (model.task == kWords) return nn::is_there(nn::find_word_model(model.folder.string())) ? kReady : kToBePulled;
    try {
        for (const auto& graph : model.graphs) (void)nn::weights_file(model, graph);
        return kReady;
    } catch (const InputError&) {
        const bool can_be_pulled = std::ranges::all_of(model.graphs, [&](const auto& graph) {
            return !graph.url.empty() || !nn::weights_candidates(model, graph).empty();
        });
        return can_be_pulled ? kToBePulled : "missing: run scripts/setup";
    }
}

int list() {
    fmt::print("{:<20} {:<9} {:>6} {:>5} {:>7}  {:<14} {}\n", "name", "task", "Hz", "hop", "window", "licence",
               "state");
    for (const auto& model : nn::list_models()) {
        fmt::print("{:<20} {:<9} {:>6} {:>5} {:>7}  {:<14} {}\n", model.name, model.task, model.sample_rate_hz,
                   model.front_end.hop, model.front_end.length, model.licence, state_of(model));
    }
    return kFine;
}

void print_tensors(const char* what, const std::vector<nn::TensorInfo>& tensors) {
    for (const auto& tensor : tensors) fmt::print("    {} {} [{}]\n", what, tensor.name, fmt::join(tensor.shape, ", "));
}

struct InspectArguments {
    std::string model, json;
    bool plan = false, profile = false;
    std::size_t runs = 1000;
};

void print_model(const nn::Manifest& model) {
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
    if (state != kReady || model.task == kWords) return;
    const auto opened = nn::open_model(model, "auto");
    fmt::print("  backend  {} ({})\n", opened.backend, opened.refusal.empty() ? opened.reason : opened.refusal);
}

int inspect(const InspectArguments& arguments) {
    if (!arguments.json.empty()) {
        check_writable(arguments.json);
        if (!arguments.plan && !arguments.profile) throw InputError{"--json goes with --plan or --profile"};
    }
    const auto model = model_argument(arguments.model);
    print_model(model);
    if (!arguments.plan && !arguments.profile) return kFine;
    auto graphs = nlohmann::json::array();
    for (const auto& graph : model.graphs) {
        if (arguments.plan) {
            const auto plan = plan_graph(model, graph);
            fmt::print("\n{}", plan.text);
            graphs.push_back(plan.json);
        }
        if (!arguments.profile) continue;
        const auto profile = profile_graph(model, graph, arguments.runs);
        fmt::print("\n{}", profile.text);
        if (arguments.plan) graphs.erase(graphs.size() - 1);
        graphs.push_back(profile.json);
    }
    if (!arguments.json.empty()) write_json(arguments.json, {{"model", model.name}, {"graphs", graphs}});
    return kFine;
}

void add_inspect(Command models, int& exit_code) {
    auto arguments = std::make_shared<InspectArguments>();
    auto command = models.add_subcommand("inspect", "What a model is, consumes and produces, and how it is run");
    command.add_option("model", arguments->model, "A model's name, its folder, or an .onnx or .tflite file").required();
    command.add_flag("--plan", arguments->plan, "Print the native executor's steps and where their tensors lie");
    command.add_flag("--profile", arguments->profile, "Run it there, and print where the time goes");
    command.add_option("--runs", arguments->runs, "For --profile").in_range(1, 1'000'000).capture_default_str();
    command.add_option("--json", arguments->json, "Write plan or profile to this file");
    command.footer(
        "Examples:\n"
        "  sidetone models inspect gtcrn\n"
        "  sidetone models inspect gtcrn --profile --json profile.json");
    command.callback([arguments, &exit_code] { exit_code = inspect(*arguments); });
}

void verify_words(const nn::WordModel& model) {
    for (const auto* file : model.files()) {
        fmt::print("{}: the SHA-256 is the manifest's\n", nn::verified_file(model, *file).string());
    }
}

int verify(const std::string& name) {
    const auto model = nn::find_model(name);
    if (model.task == kWords) verify_words(nn::find_word_model(name));
    for (const auto& graph : model.graphs) {
        nn::verify_weights(model, graph);
        fmt::print("{}: the SHA-256 is the manifest's\n", nn::weights_file(model, graph).string());
    }
    return kFine;
}

int pull_words(const std::string& name) {
    const auto model = nn::find_word_model(name);
    StatusLine line;
    line.show(fmt::format("fetching {} …", model.package));
    nn::pull_word_model(model);
    line.clear();
    return verify(name);
}

int pull(const std::string& name) {
    const auto model = nn::find_model(name);
    if (model.task == kWords) return pull_words(name);
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

void add_models(Command app, int& exit_code) {
    auto models = app.add_subcommand("models", "List, look into, fetch and check models");
    models.require_subcommand();
    models.footer("Example: sidetone models pull gtcrn");
    models.add_subcommand("list", "Models there are, and whether their weights are here")
        .footer("Example: sidetone models list")
        .callback([&exit_code] { exit_code = list(); });
    const auto add = [&](const char* verb, const char* what, int (*act)(const std::string&)) {
        auto name = std::make_shared<std::string>();
        auto command = models.add_subcommand(verb, what);
        command.add_option("model", *name, "A model's name, or its folder").required();
        command.footer(fmt::format("Example: sidetone models {} dtln", verb));
        command.callback([name, act, &exit_code] { exit_code = act(*name); });
    };
    add_inspect(models, exit_code);
    add("pull", "Fetch a model's weights from its publisher and check them", pull);
    add("verify", "Compare a model's weights with the SHA-256 in its manifest", verify);
}

}  // namespace sidetone::cli
