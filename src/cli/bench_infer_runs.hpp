// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_infer_model.hpp"
#include "rt/guard.hpp"
#include "rt/histogram.hpp"
#include "rt/stall_watch.hpp"

namespace sidetone::cli::infer {

/// What one backend did, paced or back to back.
struct Outcome {
    std::string backend;
    bool paced = false;
    Caller caller = Caller::worker;  ///< of paced runs
    std::unique_ptr<rt::Histogram> times = std::make_unique<rt::Histogram>();
    /// Of a job in registers as long as the median of `times`: what the machine does to whatever takes so long.
    std::unique_ptr<rt::Histogram> floor = std::make_unique<rt::Histogram>();
    /// Of `times`, those runs during which no processor was seen to stand still; empty where nobody watched.
    std::unique_ptr<rt::Histogram> unstalled = std::make_unique<rt::Histogram>();
    /// Of what a worker does to rehearse each paced run; next to nothing where the backend has no rehearsal.
    std::unique_ptr<rt::Histogram> rehearsals = std::make_unique<rt::Histogram>();
    rt::RealtimeCounts counts;           ///< in all runs and rehearsals
    std::optional<double> instructions;  ///< a run, in user space; where the machine counts them
    double max_diff = 0;                 ///< from the reference, as a share of the outputs' largest value
    bool failed = false;
};

struct RunSettings {
    std::size_t runs = 1000;  ///< of each backend, paced and as many back to back
    std::int64_t hop_ns = 0;
    rt::StallWatch* watch = nullptr;  ///< asked about each run, a round after its turn; null: nobody watches
};

/// Of the thread that runs them (SCHED_FIFO).
inline constexpr int kWorkerPriority = 70;

/// Runs the models in turn, some dozens of hops each, on one thread such as a worker is: first paced at the model's
/// hop, and waited for as their callers do, then back to back those that a worker calls, with a rest after each turn
/// and in long ones. The first model is the reference that outputs are compared with, and those that a callback calls
/// come last. `done` counts up to `all_runs`, for whoever shows progress; outcomes are in the order of `models`, paced
/// ones first.
[[nodiscard]] std::vector<Outcome> run_interleaved(std::vector<LoadedModel>& models, const Frames& frames,
                                                   const RunSettings& settings, std::atomic<std::size_t>& done);

/// How many runs that is, with those of the floors.
[[nodiscard]] std::size_t all_runs(const std::vector<LoadedModel>& models, const RunSettings& settings);

}  // namespace sidetone::cli::infer
