// SPDX-License-Identifier: Apache-2.0
#include "nn/backends.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "nn/model_store.hpp"
#include "nn/native/native_session.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

/// One way to run graphs.
struct Backend {
    const char* name = nullptr;
    std::array<std::string_view, 2> extensions;  // of the files it runs; the second may be empty
    bool may_refuse = false;                     // whether it lacks some of what such a file may hold
    std::unique_ptr<Session> (*open)(const GraphSpec& graph, const std::filesystem::path& file) = nullptr;
    std::unique_ptr<Session> (*open_unasked)(const GraphSpec& graph,
                                             const std::filesystem::path& file) = nullptr;  // by "auto"
};

// Beyond this, ONNX Runtime's large products are faster (nine seconds of sound in one run of DNSMOS eight times), and
// no hop of live sound is long enough.
constexpr std::uint64_t kMostMultiplyAdds = 200'000'000;

std::unique_ptr<Session> open_small_native(const GraphSpec& graph, const std::filesystem::path& file) {
    return open_native_session(graph, file, kMostMultiplyAdds);
}

// In the order in which "auto" tries them: what is real-time safe comes first.
constexpr std::array kBackends{
    Backend{"native", {".onnx", ".tflite"}, true, open_native_session, open_small_native},
    Backend{"tflite", {".tflite"}, false, open_tflite_session, open_tflite_session},
    Backend{"onnxruntime", {".onnx"}, false, open_onnxruntime_session, open_onnxruntime_session},
};

std::string extensions_of(const Backend& backend) {
    const auto& [first, second] = backend.extensions;
    return second.empty() ? std::string{first} : fmt::format("{} and {}", first, second);
}

bool runs(const Backend& backend, const std::string& file) {
    return std::ranges::any_of(backend.extensions, [&](std::string_view extension) {
        return !extension.empty() && file.ends_with(extension);
    });
}

std::string manifest_file(const Manifest& model) {
    return (model.folder / "model.toml").string();
}

// The first graph whose file is not of the backend's kind; null when all are.
const GraphSpec* obstacle(const Manifest& model, const Backend& backend) {
    const auto found =
        std::ranges::find_if_not(model.graphs, [&](const GraphSpec& graph) { return runs(backend, graph.file); });
    return found == model.graphs.end() ? nullptr : &*found;
}

const Backend& backend_called(const std::string& name, const std::string& where) {
    const auto found = std::ranges::find_if(kBackends, [&](const Backend& backend) { return backend.name == name; });
    if (found != kBackends.end()) return *found;
    std::string names = "\"auto\"";
    for (const auto& backend : kBackends) names += fmt::format(", \"{}\"", backend.name);
    throw InputError{fmt::format("{}: backend: found \"{}\", expected one of {}", where, name, names)};
}

OpenedModel open_with(const Backend& backend, bool is_asked, const Manifest& model, std::string reason) {
    OpenedModel opened{.backend = backend.name, .reason = std::move(reason), .refusal = {}, .sessions = {}};
    const auto open = is_asked ? backend.open : backend.open_unasked;
    for (const auto& graph : model.graphs) opened.sessions.push_back(open(graph, weights_file(model, graph)));
    return opened;
}

OpenedModel open_asked(const Manifest& model, const std::string& wanted, bool by_manifest) {
    const auto file = manifest_file(model);
    const auto& backend = backend_called(wanted, by_manifest ? file : fmt::format("model \"{}\"", model.name));
    if (const auto* graph = obstacle(model, backend)) {
        throw InputError{fmt::format("{}: backend \"{}\" runs {} files; this model has {}", file, wanted,
                                     extensions_of(backend), graph->file)};
    }
    for (const auto& graph : model.graphs) verify_weights(model, graph);
    return open_with(
        backend, true, model,
        by_manifest ? fmt::format("{} asks for {}", file, wanted) : fmt::format("{} was asked for", wanted));
}

}  // namespace

std::vector<std::string> backends_for(const Manifest& model) {
    std::vector<std::string> names;
    for (const auto& backend : kBackends) {
        if (obstacle(model, backend) == nullptr) names.emplace_back(backend.name);
    }
    return names;
}

std::unique_ptr<Session> open_session(const std::string& backend, const Manifest& model, const GraphSpec& graph) {
    return backend_called(backend, fmt::format("model \"{}\"", model.name)).open(graph, weights_file(model, graph));
}

OpenedModel open_model(const Manifest& model, const std::string& asked) {
    if (model.graphs.empty()) {
        throw InputError{fmt::format("{}: key \"task\": found \"{}\", expected one of graphs with fixed shapes",
                                     manifest_file(model), model.task)};
    }
    if (asked != "auto") return open_asked(model, asked, false);
    if (model.backend != "auto") return open_asked(model, model.backend, true);
    for (const auto& graph : model.graphs) verify_weights(model, graph);
    std::string refusal;
    for (const auto& backend : kBackends) {
        if (obstacle(model, backend) != nullptr) continue;
        try {
            auto opened = open_with(
                backend, false, model,
                fmt::format("{} runs {} files, which this model consists of", backend.name, extensions_of(backend)));
            opened.refusal = std::move(refusal);
            return opened;
        } catch (const InputError& error) {
            // What is wrong with the file itself, the next one will say again.
            if (!backend.may_refuse) throw;
            refusal = fmt::format("{} refused it: {}", backend.name, error.what());
        }
    }
    throw InputError{fmt::format("{}: {}", manifest_file(model), refusal)};
}

}  // namespace sidetone::nn
