// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "nn/manifest.hpp"
#include "nn/native/program.hpp"
#include "nn/session.hpp"

namespace sidetone::nn::native {

/// Reads `file` and makes a planned program of it, with the shapes that `graph` declares. Throws InputError, starting
/// with the file's name, as `open_native_session` does.
[[nodiscard]] Program compile(const GraphSpec& graph, const std::filesystem::path& file);

/// Where the operands of all steps lie, one step after the other, when the program works on these tensors and on
/// `arena` of `program.arena_bytes`.
[[nodiscard]] std::vector<void*> operands_of(Program& program, std::span<std::byte> arena,
                                             std::span<const TensorMemory> inputs,
                                             std::span<const TensorMemory> outputs);

}  // namespace sidetone::nn::native
