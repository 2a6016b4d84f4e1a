// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sidetone::nn {

/// What a TensorFlow Lite file consists of, as far as it decides whether running it is real-time safe, and by whom.
/// Numbers are those of nn/tflite_schema.hpp.
struct TfliteContents {
    std::vector<std::int32_t> operators;  ///< BuiltinOperator of each operator in use; -1: a custom one
    std::size_t subgraphs = 0;
    bool plain_tensors =
        true;  ///< of one sub-graph: every tensor is of 32-bit floats or integers and has at most four dimensions
};

/// Empty when `file` is no such file, or damaged where these things lie. Reads nothing outside of `file`.
[[nodiscard]] std::optional<TfliteContents> tflite_contents(std::span<const std::byte> file);

/// True when a graph of these contents, run with the C library 2.9 and the kernels of nn/tflite_kernels.hpp, makes no
/// heap call, takes no lock and makes no system call from its second run on.
///
/// A graph keeps the promise when each of its kernels does. Operators are on the list because a count of heap calls,
/// locks and system calls over 1000 runs of a graph that has them came out as zero; plain tensors because quantised
/// kernels, and shapes of more than six dimensions, take other paths that do allocate.
[[nodiscard]] bool is_realtime_safe(const TfliteContents& contents);

}  // namespace sidetone::nn
