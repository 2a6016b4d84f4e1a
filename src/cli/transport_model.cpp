// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/transport_copies.hpp"
#include "nn/model_store.hpp"
#include "rt/clock.hpp"
#include "rt/error.hpp"

namespace sidetone::cli::transport {
namespace {

std::vector<float> window_or_nothing(dsp::WindowShape shape, std::size_t length) {
    return shape == dsp::WindowShape::rectangular ? std::vector<float>{} : dsp::make_window(shape, length);
}

std::size_t index_of(const std::vector<nn::TensorInfo>& tensors, const std::string& name) {
    return static_cast<std::size_t>(std::ranges::find(tensors, name, &nn::TensorInfo::name) - tensors.begin());
}

std::unique_ptr<AllocatingGraph> open_graph(const nn::Manifest& manifest, const nn::GraphSpec& graph) {
    if (!graph.constants.empty()) {
        throw InputError{
            fmt::format("model \"{}\" has constant inputs; bench transport takes a model without", manifest.name)};
    }
    const auto file = nn::weights_file(manifest, graph);
    return graph.file.ends_with(".tflite") ? open_allocating_tflite(graph, file)
                                           : open_allocating_onnxruntime(graph, file);
}

}  // namespace

AllocatingModel::AllocatingModel(const nn::Manifest& manifest)
    : manifest_(manifest),
      analysis_window_(window_or_nothing(manifest.front_end.analysis_window, manifest.front_end.length)),
      overlap_(manifest.front_end.length, manifest.front_end.hop,
               window_or_nothing(manifest.front_end.synthesis_window, manifest.front_end.length)) {
    const bool is_spectral = std::ranges::any_of(
        manifest.graphs, [](const nn::GraphSpec& graph) { return graph.domain != nn::Domain::waveform; });
    if (is_spectral) transform_ = std::make_unique<dsp::RealFft>(manifest.front_end.length);
    for (const auto& graph : manifest.graphs) steps_.push_back({graph, open_graph(manifest, graph), {}});
    reset();
}

void AllocatingModel::reset() {
    overlap_.reset();
    for (auto& step : steps_) {
        step.states.assign(step.spec.inputs.size(), {});
        for (const auto& state : step.spec.states) {
            const auto input = index_of(step.spec.inputs, state.input);
            step.states[input].assign(step.spec.inputs[input].elements(), 0.0F);
        }
    }
}

std::vector<float> AllocatingModel::process(std::vector<float> window, std::int64_t& wrap_ns) {
    auto frame = std::move(window);
    if (!analysis_window_.empty()) dsp::multiply(frame.data(), analysis_window_.data(), frame.data(), frame.size());
    for (auto& step : steps_) frame = run_step(step, std::move(frame), wrap_ns);
    std::vector<float> out(manifest_.front_end.hop);
    const CopyScope arithmetic{nullptr};  // what overlap-add moves inside itself it moves for every pipeline
    overlap_.add(frame.data(), out.data());
    return out;
}

std::vector<float> AllocatingModel::run_step(Step& step, std::vector<float> frame, std::int64_t& wrap_ns) {
    if (step.spec.domain == nn::Domain::waveform) return run_graph(step, std::move(frame), wrap_ns);
    std::vector<std::complex<float>> spectrum(transform_->bins());
    transform_->forward(frame.data(), spectrum.data());
    if (step.spec.domain == nn::Domain::magnitude_mask) {
        Tensor magnitudes(spectrum.size());
        dsp::magnitude(spectrum.data(), magnitudes.data(), magnitudes.size());
        const auto gains = run_graph(step, std::move(magnitudes), wrap_ns);
        dsp::apply_gains(gains.data(), spectrum.data(), spectrum.size());
    } else {
        const auto* parts = reinterpret_cast<const float*>(spectrum.data());
        const auto result = run_graph(step, Tensor(parts, parts + 2 * spectrum.size()), wrap_ns);
        std::copy_n(result.data(), result.size(), reinterpret_cast<float*>(spectrum.data()));
    }
    std::vector<float> result(frame.size());
    transform_->inverse(spectrum.data(), result.data());
    return result;
}

Tensor AllocatingModel::run_graph(Step& step, Tensor signal, std::int64_t& wrap_ns) {
    const auto started = rt::now_ns();
    auto inputs = std::move(step.states);
    inputs[index_of(step.spec.inputs, step.spec.input)] = std::move(signal);
    wrap_ns += rt::now_ns() - started;
    auto outputs = step.graph->run(inputs, wrap_ns);
    step.states.assign(inputs.size(), {});
    for (const auto& state : step.spec.states) {
        step.states[index_of(step.spec.inputs, state.input)] =
            std::move(outputs[index_of(step.spec.outputs, state.output)]);
    }
    return std::move(outputs[index_of(step.spec.outputs, step.spec.output)]);
}

}  // namespace sidetone::cli::transport
