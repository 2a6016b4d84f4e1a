// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nn/graph_runner.hpp"
#include "nn/manifest.hpp"
#include "rt/arena.hpp"
#include "rt/realtime.hpp"
#include "rt/rehearsal.hpp"

namespace sidetone::cli::infer {

/// What each graph of a model is fed in each hop of a stream: a made voice in noise, through the model's front end.
/// Every graph gets the sound itself in its own domain, not what the graph before it made of it: so that all backends
/// are given the same.
class Frames {
public:
    Frames(const nn::Manifest& model, std::size_t hops);

    /// Of hop `hop`, counted on and on: the stream starts over at its end.
    [[nodiscard]] std::span<const float> of(std::size_t graph, std::size_t hop) const noexcept;

private:
    std::size_t hops_;
    std::vector<std::vector<float>> of_graph_;
    std::vector<std::size_t> elements_;
};

/// Who runs a model in real time.
enum class Caller : std::uint8_t {
    worker,  ///< pipelined: gets up before the hop is due, and rehearses the run where the backend can (rt/waiter.hpp)
    callback,  ///< direct: what it finds cold it waits for
};

/// A model in one backend, its states going on from hop to hop.
class LoadedModel {
public:
    /// The weights' hashes must have been verified. Throws InputError.
    LoadedModel(const nn::Manifest& model, const std::string& backend, Caller caller = Caller::worker);

    [[nodiscard]] const std::string& backend() const noexcept { return backend_; }
    [[nodiscard]] Caller caller() const noexcept { return caller_; }

    /// Copies the hop's frames into the graphs' inputs.
    void feed(const Frames& frames, std::size_t hop) noexcept;
    /// Runs each graph once. False when the backend failed.
    [[nodiscard]] bool run() noexcept SIDETONE_REALTIME;
    /// Goes through the next `run`.
    void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME;
    /// The signal outputs of all graphs, one behind the other.
    void read(std::span<float> outputs) noexcept;
    [[nodiscard]] std::size_t outputs() const noexcept;

private:
    std::string backend_;
    Caller caller_;
    rt::Arena arena_;
    std::vector<nn::GraphRunner> runners_;
    std::vector<std::size_t> output_elements_;
};

/// What loading a model takes, from the file to the second run.
struct LoadCost {
    double load_ms = 0;
    std::uint64_t resident_bytes = 0;  ///< memory of the process that was not resident before
};

/// Loads the model in child processes of its own and gives the median. Call it before the backend has been used in this
/// process, and before there are other threads. Throws InputError when the backend will not have the model.
[[nodiscard]] LoadCost measure_load(const nn::Manifest& model, const std::string& backend);

}  // namespace sidetone::cli::infer
