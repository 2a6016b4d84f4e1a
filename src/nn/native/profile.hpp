// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "nn/manifest.hpp"
#include "nn/native/plan_report.hpp"

namespace sidetone::nn::native {

/// Where the time of one graph goes.
struct Profile {
    PlanReport plan;
    std::vector<double> step_us;  ///< median over the runs, one reading of the clock included
    double run_us = 0;            ///< median of whole runs between which no clock was read
    double peak_multiply_adds_per_second = 0;
    std::size_t runs = 0;
};

/// Runs `graph` step by step on noise, back to back, `runs` times, and as often as a whole, in turn. Control thread.
/// Throws InputError as `open_native_session` does.
[[nodiscard]] Profile profile(const GraphSpec& graph, const std::filesystem::path& file, std::size_t runs);

/// The plan alone, without running it.
[[nodiscard]] PlanReport plan_of(const GraphSpec& graph, const std::filesystem::path& file);

}  // namespace sidetone::nn::native
