// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nn/native/program.hpp"

namespace sidetone::nn::native {

/// A tensor that a step reads or writes.
struct OperandReport {
    Shape shape;
    Storage::Kind place = Storage::Kind::arena;
    std::size_t offset = 0;  ///< bytes: in the arena; in the input, output or constant elsewhere
    std::size_t bytes = 0;
};

struct StepReport {
    std::string operation, node;
    std::vector<OperandReport> reads, writes;
    std::uint64_t multiply_adds = 0;  ///< 0: about one operation an element
    std::size_t bytes = 0;            ///< of all operands and of the kernel's own weights: what a run touches
    std::string_view weight_type;     ///< of the kernel's own weights: "float32", "int24", "float16", "int8" or none
};

/// How a graph is run: the kernels in their order, and where their tensors lie.
struct PlanReport {
    std::vector<StepReport> steps;
    std::uint64_t multiply_adds = 0;
    std::size_t arena_bytes = 0;     ///< for all that lies between inputs and outputs
    std::size_t tensor_bytes = 0;    ///< what the same tensors would take if none shared memory
    std::size_t constant_bytes = 0;  ///< tensors of the file, or folded from them, that steps read
    std::size_t weight_bytes = 0;    ///< constants that kernels hold in an order of their own
};

/// Control thread.
[[nodiscard]] PlanReport report_plan(const Program& program);

}  // namespace sidetone::nn::native
