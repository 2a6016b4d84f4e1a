// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_infer_runs.hpp"

namespace sidetone::cli::infer {

/// A model that was measured in all backends that would have it.
struct ModelResult {
    std::string model;
    std::int64_t hop_ns = 0;
    std::vector<Outcome> outcomes;
    std::vector<LoadCost> loads;                 ///< of the backends, in the outcomes' order
    std::string refusal;                         ///< why a backend is missing; or empty
    std::optional<std::uint64_t> multiply_adds;  ///< a run; known where the native executor has the model
    double peak_multiply_adds_per_second = 0;
    bool watched = false;  ///< so that outcomes know which runs met no stall
};

inline constexpr const char* kNative = "native";

/// Outputs may differ by this share of their range at most.
inline constexpr double kMostDifference = 1e-4;

/// What a measured backend fell short in, one line each: another result, a failure, a broken promise.
[[nodiscard]] std::vector<std::string> shortcomings(const ModelResult& result);

[[nodiscard]] std::string to_text(const ModelResult& result);

/// Entries of "results".
[[nodiscard]] std::vector<nlohmann::json> to_json(const ModelResult& result);

}  // namespace sidetone::cli::infer
