// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "nn/manifest.hpp"

namespace sidetone::cli {

/// How the native executor runs a graph of `model` (docs/native-executor.md).
struct GraphPlan {
    std::string text;
    nlohmann::json json;
};

/// The steps in their order, and the memory. Throws InputError when the native executor refuses the graph.
[[nodiscard]] GraphPlan plan_graph(const nn::Manifest& model, const nn::GraphSpec& graph);

/// The steps by the time they take, over `runs` runs.
[[nodiscard]] GraphPlan profile_graph(const nn::Manifest& model, const nn::GraphSpec& graph, std::size_t runs);

}  // namespace sidetone::cli
