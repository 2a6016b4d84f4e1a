// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rt/realtime.hpp"
#include "rt/rehearsal.hpp"

namespace sidetone::nn {

enum class ElementType : std::uint8_t { f32, i64, i32, i8, u8 };
[[nodiscard]] std::size_t bytes_per_element(ElementType type) noexcept;

/// One input or output of a graph with every dimension bound.
struct TensorInfo {
    std::string name;
    ElementType type = ElementType::f32;
    std::vector<std::int64_t> shape;
    [[nodiscard]] std::size_t elements() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept { return elements() * bytes_per_element(type); }
};

/// A tensor's memory, 64-byte aligned, owned by the caller and alive as long as the session.
using TensorMemory = void*;

/// One loaded graph. Everything is bound before real time starts; `run` then only runs.
///
/// A *binding* is one choice of memory for every input and output. Streaming states ping-pong by making two bindings
/// whose state inputs and outputs are exchanged, and running them in turn: nothing is copied.
class Session {
public:
    virtual ~Session() = default;

    /// Inputs and outputs in the order in which `bind` takes their memory (the manifest's order).
    [[nodiscard]] virtual std::span<const TensorInfo> inputs() const noexcept = 0;
    [[nodiscard]] virtual std::span<const TensorInfo> outputs() const noexcept = 0;

    /// Control thread, before real time. Returns the binding's number, counted from 0.
    [[nodiscard]] virtual int bind(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) = 0;

    /// Runs the graph on the memory of `binding`. One thread at a time. False when the backend failed; the outputs are
    /// then undefined.
    [[nodiscard]] virtual bool run(int binding) noexcept SIDETONE_REALTIME = 0;

    /// Goes through `run(binding)` ahead of time, on what its inputs happen to hold: writes the outputs, which the run
    /// then writes again, and nothing else that lasts. Nothing where the backend cannot leave off in between.
    virtual void rehearse(int binding, const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME {
        (void)binding;
        (void)rehearsal;
    }

    /// What the backend said when `run` last failed, one line; empty when it never did. Not while `run` runs.
    [[nodiscard]] virtual const char* last_error() const noexcept = 0;

    /// "onnxruntime", "tflite", "native".
    [[nodiscard]] virtual const char* backend() const noexcept = 0;

    /// True when `run` is promised to make no heap, lock or system call from a binding's second run on.
    [[nodiscard]] virtual bool is_realtime_safe() const noexcept = 0;
};

struct GraphSpec;  // nn/manifest.hpp

/// Loads `graph` with ONNX Runtime: sequential, one thread, no spinning pool, denormals flushed, inputs and outputs in
/// caller's memory. Throws InputError naming file, tensor, found and expected where file and manifest disagree.
[[nodiscard]] std::unique_ptr<Session> open_onnxruntime_session(const GraphSpec& graph,
                                                                const std::filesystem::path& file);

/// Loads `graph` with TensorFlow Lite's C library, one thread, no delegates. Same errors. The library checks how a file
/// is built, but its kernels trust what the file says: of 6900 randomly damaged files 6 crashed the program while they
/// were planned or run. So a file's SHA-256 must have been verified before it comes here (`verify_weights`), as
/// HopModel does.
[[nodiscard]] std::unique_ptr<Session> open_tflite_session(const GraphSpec& graph, const std::filesystem::path& file);

}  // namespace sidetone::nn
