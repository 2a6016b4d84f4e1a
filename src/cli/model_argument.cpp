// SPDX-License-Identifier: Apache-2.0
#include "cli/model_argument.hpp"

#include <algorithm>
#include <filesystem>

#include "nn/model_store.hpp"
#include "nn/native/graph_of_file.hpp"

namespace sidetone::cli {
namespace {

nn::Manifest manifest_of_file(const std::filesystem::path& file) {
    auto graph = nn::native::graph_of_file(file);
    const auto& signal = *std::ranges::find(graph.inputs, graph.input, &nn::TensorInfo::name);
    nn::Manifest model;
    model.folder = std::filesystem::absolute(file).parent_path();
    model.name = file.stem().string();
    model.weights_folder = model.name;
    model.description = "a file without a manifest";
    model.licence = model.source = "unknown";
    model.sample_rate_hz = 16'000;
    model.front_end.length = static_cast<std::uint32_t>(signal.elements());
    model.front_end.hop = 160;
    model.graphs.push_back(std::move(graph));
    return model;
}

}  // namespace

nn::Manifest model_argument(const std::string& text) {
    return text.ends_with(".onnx") || text.ends_with(".tflite") ? manifest_of_file(text) : nn::find_model(text);
}

}  // namespace sidetone::cli
