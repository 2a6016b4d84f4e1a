// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_infer_model.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <optional>

#include "dsp/log_mel.hpp"
#include "dsp/products.hpp"
#include "dsp/real_fft.hpp"
#include "dsp/window.hpp"
#include "nn/backends.hpp"
#include "rt/error.hpp"

namespace sidetone::cli::infer {
namespace {

// A gliding voice, four syllables a second, in noise: something that a network for speech has work with.
std::vector<float> make_voice(std::uint32_t rate_hz, std::size_t samples) {
    std::vector<float> sound(samples);
    std::uint32_t random = 1;
    double phase = 0;
    for (std::size_t i = 0; i < samples; ++i) {
        const double time = static_cast<double>(i) / rate_hz;
        phase += (140 + 30 * std::sin(2 * std::numbers::pi * time / 4)) / rate_hz;
        double voice = 0;
        for (int k = 1; k <= 20; ++k) voice += std::sin(2 * std::numbers::pi * k * phase) / k;
        const double syllable = std::max(0.0, std::sin(2 * std::numbers::pi * 4 * time));
        random = random * 1664525U + 1013904223U;  // Numerical Recipes' generator
        sound[i] = static_cast<float>(0.12 * syllable * voice + 0.02 * (random / 4294967296.0 - 0.5));
    }
    return sound;
}

// One window of sound as the graph wants it; spectra where `transform` is given.
void put_frame(std::span<const float> window, nn::Domain domain, std::optional<dsp::RealFft>& transform,
               std::span<float> to) {
    // How long a deep filter's graphs take does not depend on what they see: samples do for features.
    if (domain == nn::Domain::waveform || domain == nn::Domain::deep_filter) {
        std::copy_n(window.begin(), std::min(window.size(), to.size()), to.begin());
        return;
    }
    std::vector<std::complex<float>> spectrum(transform->bins());
    transform->forward(window.data(), spectrum.data());
    if (domain == nn::Domain::magnitude_mask) {
        dsp::magnitude(spectrum.data(), to.data(), spectrum.size());
    } else {
        std::copy_n(reinterpret_cast<const float*>(spectrum.data()), 2 * spectrum.size(), to.data());
    }
}

void put_rows(std::span<const float> window, const nn::Manifest& model, std::span<float> to) {
    dsp::LogMel features{dsp::LogMel::kaldi(model.sample_rate_hz, model.features.bands)};
    std::ranges::copy(features.last(features.push(window)), to.data());
}

const nn::TensorInfo& tensor_called(const std::vector<nn::TensorInfo>& tensors, const std::string& name) {
    return *std::ranges::find(tensors, name, &nn::TensorInfo::name);
}

std::size_t arena_bytes(const nn::Manifest& model) {
    std::size_t bytes = rt::kCacheLine;
    for (const auto& graph : model.graphs) bytes += nn::GraphRunner::arena_bytes(graph);
    return bytes;
}

}  // namespace

Frames::Frames(const nn::Manifest& model, std::size_t hops) : hops_(hops) {
    const auto& front_end = model.front_end;
    const auto sound = make_voice(model.sample_rate_hz, front_end.length + hops * front_end.hop);
    const auto shape = dsp::make_window(front_end.analysis_window, front_end.length);
    for (const auto& graph : model.graphs) {
        const auto elements = tensor_called(graph.inputs, graph.input).elements();
        std::optional<dsp::RealFft> transform;
        const bool is_spectral =
            graph.domain == nn::Domain::magnitude_mask || graph.domain == nn::Domain::complex_spectrum;
        if (is_spectral) transform.emplace(front_end.length);
        auto& frames = of_graph_.emplace_back(hops * elements);
        elements_.push_back(elements);
        std::vector<float> window(front_end.length);
        for (std::size_t hop = 0; hop < hops; ++hop) {
            dsp::multiply(&sound[hop * front_end.hop], shape.data(), window.data(), window.size());
            const std::span to{&frames[hop * elements], elements};
            if (graph.domain == nn::Domain::features) {
                put_rows(window, model, to);
            } else {
                put_frame(window, graph.domain, transform, to);
            }
        }
    }
}

std::span<const float> Frames::of(std::size_t graph, std::size_t hop) const noexcept {
    return {&of_graph_[graph][hop % hops_ * elements_[graph]], elements_[graph]};
}

LoadedModel::LoadedModel(const nn::Manifest& model, const std::string& backend, Caller caller)
    : backend_(backend), caller_(caller), arena_(arena_bytes(model)) {
    runners_.reserve(model.graphs.size());
    for (const auto& graph : model.graphs) {
        runners_.emplace_back(graph, nn::open_session(backend, model, graph), arena_);
        output_elements_.push_back(tensor_called(graph.outputs, graph.output).elements());
    }
}

void LoadedModel::feed(const Frames& frames, std::size_t hop) noexcept {
    for (std::size_t graph = 0; graph < runners_.size(); ++graph) {
        std::ranges::copy(frames.of(graph, hop), runners_[graph].input());
    }
}

bool LoadedModel::run() noexcept {
    bool good = true;
    for (auto& runner : runners_) good = runner.run() && good;
    return good;
}

void LoadedModel::rehearse(const rt::Rehearsal& rehearsal) noexcept {
    for (auto& runner : runners_) runner.rehearse(rehearsal);
}

std::size_t LoadedModel::outputs() const noexcept {
    std::size_t sum = 0;
    for (const auto elements : output_elements_) sum += elements;
    return sum;
}

void LoadedModel::read(std::span<float> outputs) noexcept {
    auto* to = outputs.data();
    for (std::size_t graph = 0; graph < runners_.size(); ++graph) {
        to = std::copy_n(runners_[graph].output(), output_elements_[graph], to);
    }
}

}  // namespace sidetone::cli::infer
