// SPDX-License-Identifier: Apache-2.0
#include "nn/native/graph_of_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "nn/model_store.hpp"
#include "nn/native/import.hpp"
#include "nn/native/lowering.hpp"
#include "rt/error.hpp"

namespace sidetone::nn::native {
namespace {

TensorInfo bound(const FileTensor& tensor) {
    if (!tensor.type || tensor.shape == kUnknownShape) {
        throw InputError{fmt::format("input \"{}\" has no type or shape in the file", one_line(tensor.name))};
    }
    TensorInfo info{tensor.name, *tensor.type, tensor.shape};
    std::ranges::replace(info.shape, std::int64_t{-1}, std::int64_t{1});
    return info;
}

// "h0" and "h1", "cache" and "cache_out".
bool is_state(const TensorInfo& input, const TensorInfo& output) {
    const std::string_view stem = input.name;
    return !stem.empty() && input.type == output.type && input.shape == output.shape && input.name != output.name &&
           output.name.starts_with(stem.substr(0, stem.size() - 1));
}

bool is_float(const TensorInfo& tensor) {
    return tensor.type == ElementType::f32;
}

void find_signal_and_states(GraphSpec& graph) {
    const auto in = std::ranges::find_if(graph.inputs, is_float);
    if (in == graph.inputs.end()) throw InputError{"none of its inputs is of floats"};
    graph.input = in->name;
    for (const auto& input : graph.inputs) {
        if (input.name == graph.input) continue;
        const auto output =
            std::ranges::find_if(graph.outputs, [&](const TensorInfo& tensor) { return is_state(input, tensor); });
        if (output != graph.outputs.end()) graph.states.push_back({input.name, output->name});
    }
    const auto out = std::ranges::find_if(graph.outputs, [&](const TensorInfo& tensor) {
        return is_float(tensor) &&
               std::ranges::find(graph.states, tensor.name, &StateSpec::output) == graph.states.end();
    });
    if (out == graph.outputs.end()) throw InputError{"none of its outputs is of floats, but for states"};
    graph.output = out->name;
}

}  // namespace

GraphSpec graph_of_file(const std::filesystem::path& file) {
    const auto model = import_file(file);
    GraphSpec graph{.manifest = file,
                    .file = file.filename().string(),
                    .bytes = std::filesystem::file_size(file),
                    .sha256 = sha256_of(file)};
    try {
        for (const auto& tensor : model.inputs) graph.inputs.push_back(bound(tensor));
        graph.outputs = computed_outputs(model, graph);
        find_signal_and_states(graph);
    } catch (const InputError& error) {
        throw InputError{fmt::format("{}: {}", file.string(), error.what())};
    }
    return graph;
}

}  // namespace sidetone::nn::native
