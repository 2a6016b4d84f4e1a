// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "nn/manifest.hpp"
#include "nn/session.hpp"

namespace sidetone::nn {

/// Loads `graph` into the native executor: a fixed list of kernels over one arena, real-time safe from the first run
/// on. `bind` throws InputError for outputs that overlap anything else. Throws InputError naming operator and node
/// for what it has no kernel for, and the same errors as the other backends where file and manifest disagree.
[[nodiscard]] std::unique_ptr<Session> open_native_session(const GraphSpec& graph, const std::filesystem::path& file);

/// The same for runs of up to `most_multiply_adds`. Throws InputError naming both numbers for longer ones.
[[nodiscard]] std::unique_ptr<Session> open_native_session(const GraphSpec& graph, const std::filesystem::path& file,
                                                           std::uint64_t most_multiply_adds);

}  // namespace sidetone::nn
