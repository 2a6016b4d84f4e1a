// SPDX-License-Identifier: Apache-2.0
#include "nn/backends.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "nn/native/native_session.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

// In the order in which "auto" tries them. "native" comes after what runs every ONNX file, so it must be asked for: not
// every operator that it takes is held against ONNX Runtime yet, and some graphs are slower in it.
constexpr std::array kBackends{
    Backend{"tflite", ".tflite", open_tflite_session},
    Backend{"onnxruntime", ".onnx", open_onnxruntime_session},
    Backend{"native", ".onnx", open_native_session},
};

// The first graph that `backend` cannot run; null when it runs all.
const GraphSpec* obstacle(const Manifest& model, const Backend& backend) {
    const auto found = std::ranges::find_if_not(
        model.graphs, [&](const GraphSpec& graph) { return graph.file.ends_with(backend.extension); });
    return found == model.graphs.end() ? nullptr : &*found;
}

const Backend& backend_called(const std::string& name, const std::string& where) {
    const auto found = std::ranges::find_if(kBackends, [&](const Backend& backend) { return backend.name == name; });
    if (found != kBackends.end()) return *found;
    std::string names = "\"auto\"";
    for (const auto& backend : kBackends) names += fmt::format(", \"{}\"", backend.name);
    throw InputError{fmt::format("{}: backend: found \"{}\", expected one of {}", where, name, names)};
}

}  // namespace

BackendChoice choose_backend(const Manifest& model, const std::string& asked) {
    const auto file = (model.folder / "model.toml").string();
    const auto& wanted = asked == "auto" ? model.backend : asked;
    if (wanted != "auto") {
        const auto& backend = backend_called(wanted, asked == "auto" ? file : fmt::format("model \"{}\"", model.name));
        if (const auto* graph = obstacle(model, backend)) {
            throw InputError{fmt::format("{}: backend \"{}\" runs {} files; this model has {}", file, wanted,
                                         backend.extension, graph->file)};
        }
        return {&backend, asked == "auto" ? fmt::format("{} asks for {}", file, wanted)
                                          : fmt::format("{} was asked for", wanted)};
    }
    for (const auto& backend : kBackends) {
        if (obstacle(model, backend) != nullptr) continue;
        return {&backend,
                fmt::format("{} runs {} files, which this model consists of", backend.name, backend.extension)};
    }
    throw InputError{fmt::format("{}: no one backend runs all of its files: they differ in kind", file)};
}

}  // namespace sidetone::nn
