// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dsp/overlap_add.hpp"
#include "dsp/real_fft.hpp"
#include "nn/manifest.hpp"

namespace sidetone::cli::transport {

using Tensor = std::vector<float>;

/// One graph, run the way a backend's introduction shows it: tensors are made for each run, and the outputs are copied
/// out of it.
class AllocatingGraph {
public:
    virtual ~AllocatingGraph() = default;

    /// Inputs and outputs in the manifest's order. Adds the time it takes to make tensors of samples and samples of
    /// tensors to `wrap_ns`. Throws std::runtime_error when the backend fails.
    [[nodiscard]] virtual std::vector<Tensor> run(const std::vector<Tensor>& inputs, std::int64_t& wrap_ns) = 0;
};

/// Throw InputError: as the backend has it, or when a tensor is not of floats.
[[nodiscard]] std::unique_ptr<AllocatingGraph> open_allocating_onnxruntime(const nn::GraphSpec& graph,
                                                                           const std::filesystem::path& file);
[[nodiscard]] std::unique_ptr<AllocatingGraph> open_allocating_tflite(const nn::GraphSpec& graph,
                                                                      const std::filesystem::path& file);

/// A denoiser as a competent first version has it: the same network and the same transforms as nn::HopModel, but with
/// vectors that are made, filled, handed on and thrown away at every step. For comparison only; one thread.
class AllocatingModel {
public:
    explicit AllocatingModel(const nn::Manifest& manifest);

    [[nodiscard]] const nn::FrontEnd& front_end() const noexcept { return manifest_.front_end; }
    [[nodiscard]] std::uint32_t sample_rate_hz() const noexcept { return manifest_.sample_rate_hz; }

    /// The newest `length` samples in, the next `hop` finished ones out.
    [[nodiscard]] std::vector<float> process(std::vector<float> window, std::int64_t& wrap_ns);

    void reset();

private:
    struct Step {
        nn::GraphSpec spec;
        std::unique_ptr<AllocatingGraph> graph;
        std::vector<Tensor> states;  // one per input, empty for the signal
    };

    [[nodiscard]] Tensor run_graph(Step& step, Tensor signal, std::int64_t& wrap_ns);
    [[nodiscard]] std::vector<float> run_step(Step& step, std::vector<float> frame, std::int64_t& wrap_ns);

    nn::Manifest manifest_;
    std::vector<float> analysis_window_;  // empty: all ones
    std::unique_ptr<dsp::RealFft> transform_;
    dsp::OverlapAdd overlap_;
    std::vector<Step> steps_;
};

}  // namespace sidetone::cli::transport
