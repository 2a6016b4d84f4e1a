// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_infer_runs.hpp"

#include <algorithm>
#include <cmath>

#include "cli/instruction_counter.hpp"
#include "cli/register_work.hpp"
#include "rt/clock.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli::infer {
namespace {

constexpr std::size_t kSliceRuns = 64;
// After another backend's turn the caches are the other's: a stream in a live chain does not change backends.
constexpr std::size_t kSettleRuns = 4;
constexpr std::size_t kCountedRuns = 32;
constexpr int kWorkerPriority = 70;
// Back to back, after each turn, of the time it took: the kernel stops a real-time thread that never sleeps (by default
// after 95 % of a second).
constexpr double kRestShare = 0.15;

/// One pass over all backends, paced or not.
class Pass {
public:
    Pass(std::vector<LoadedModel>& models, const Frames& frames, const RunSettings& settings, bool paced,
         std::atomic<std::size_t>& done)
        : models_(models),
          frames_(frames),
          settings_(settings),
          paced_(paced),
          done_(done),
          outputs_(models.size()),
          outcomes_(models.size()) {
        slice_.reserve(kSliceRuns);
        for (std::size_t i = 0; i < models.size(); ++i) {
            outputs_[i].resize(models[i].outputs() * (kSliceRuns + kSettleRuns));
            outcomes_[i].backend = models[i].backend();
            outcomes_[i].paced = paced;
        }
    }

    void run();
    [[nodiscard]] std::vector<Outcome> take() { return std::move(outcomes_); }

private:
    void run_slice(std::size_t which, std::size_t first_hop, std::size_t runs);
    void run_floor(std::size_t which, std::size_t runs);
    void wait_for_hop(std::int64_t& due_ns) const noexcept;
    void rest_since(std::int64_t began_ns) const noexcept;
    void run_once(std::size_t which, bool counts);
    void tell_stalled_from_others(std::size_t which);
    void compare(std::size_t runs);
    void count_instructions(std::size_t which, std::size_t hop);

    std::vector<LoadedModel>& models_;
    const Frames& frames_;
    const RunSettings& settings_;
    bool paced_;
    std::atomic<std::size_t>& done_;
    std::vector<std::vector<float>> outputs_;  // of a slice
    struct Run {
        std::int64_t start_ns = 0, took_ns = 0;
    };
    std::vector<Run> slice_;  // those that count
    std::vector<Outcome> outcomes_;
    std::vector<RegisterWork> floors_;  // of the outcomes, once their first medians are known
    double range_ = 0;                  // of the reference's outputs
    std::vector<double> differences_ = std::vector<double>(models_.size());
};

// All backends see the same hops one after the other; in each round another one is first.
void Pass::run() {
    std::size_t hop = 0;
    for (std::size_t round = 0, left = settings_.runs; left > 0; ++round) {
        const auto counted = std::min(left, kSliceRuns);
        const auto runs = counted + kSettleRuns;
        for (std::size_t i = 0; i < models_.size(); ++i) run_slice((round + i) % models_.size(), hop, runs);
        compare(runs);
        for (std::size_t i = floors_.size(); i < models_.size(); ++i) {
            floors_.emplace_back(outcomes_[i].times->value_at(0.5));
        }
        for (std::size_t i = 0; i < models_.size(); ++i) run_floor((round + i) % models_.size(), counted);
        hop += runs;
        left -= counted;
    }
    for (std::size_t i = 0; i < models_.size(); ++i) {
        outcomes_[i].max_diff = range_ > 0 ? differences_[i] / range_ : differences_[i];
        count_instructions(i, hop);
    }
}

void Pass::run_slice(std::size_t which, std::size_t first_hop, std::size_t runs) {
    auto& model = models_[which];
    const auto began = rt::monotonic_ns();
    auto due = began;
    for (std::size_t i = 0; i < runs; ++i) {
        wait_for_hop(due);
        model.feed(frames_, first_hop + i);
        run_once(which, i >= kSettleRuns);
        model.read({&outputs_[which][i * model.outputs()], model.outputs()});
        done_.fetch_add(1, std::memory_order_relaxed);
    }
    tell_stalled_from_others(which);
    rest_since(began);
}

// A run is left out for when it was, whatever time it took. Once a processor goes on, its watch runs before this
// thread does: of all that stood in the way of these runs, the watch knows by now.
void Pass::tell_stalled_from_others(std::size_t which) {
    for (const auto& run : slice_) {
        if (settings_.watch == nullptr) break;
        const bool stalled = settings_.watch->most_stalled_ns(run.start_ns, run.start_ns + run.took_ns) > 0;
        if (!stalled) outcomes_[which].unstalled->record(run.took_ns);
    }
    slice_.clear();
}

void Pass::run_floor(std::size_t which, std::size_t runs) {
    const auto began = rt::monotonic_ns();
    auto due = began;
    for (std::size_t i = 0; i < runs; ++i) {
        wait_for_hop(due);
        const auto start = rt::now_ns();
        floors_[which].run();
        outcomes_[which].floor->record(rt::now_ns() - start);
        done_.fetch_add(1, std::memory_order_relaxed);
    }
    rest_since(began);
}

void Pass::wait_for_hop(std::int64_t& due_ns) const noexcept {
    if (!paced_) return;
    due_ns = std::max(due_ns + settings_.hop_ns, rt::monotonic_ns());
    rt::sleep_until_monotonic(due_ns);
}

void Pass::rest_since(std::int64_t began_ns) const noexcept {
    if (paced_) return;
    const auto now_ns = rt::monotonic_ns();
    rt::sleep_until_monotonic(now_ns + static_cast<std::int64_t>(kRestShare * static_cast<double>(now_ns - began_ns)));
}

void Pass::run_once(std::size_t which, bool counts) {
    auto& outcome = outcomes_[which];
    const auto before = rt::realtime_counts(rt::RealtimeKind::worker);
    bool good = false;
    Run run;
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::worker};
        run.start_ns = rt::now_ns();
        good = models_[which].run();
        run.took_ns = rt::now_ns() - run.start_ns;
    }
    outcome.failed = outcome.failed || !good;
    if (!counts) return;
    const auto after = rt::realtime_counts(rt::RealtimeKind::worker);
    outcome.counts.heap_calls += after.heap_calls - before.heap_calls;
    outcome.counts.locks += after.locks - before.locks;
    outcome.times->record(run.took_ns);
    slice_.push_back(run);
}

void Pass::compare(std::size_t runs) {
    const auto count = runs * models_[0].outputs();
    for (std::size_t k = 0; k < count; ++k) range_ = std::max(range_, std::abs(double{outputs_[0][k]}));
    for (std::size_t i = 1; i < models_.size(); ++i) {
        for (std::size_t k = 0; k < count; ++k) {
            const auto difference = std::abs(double{outputs_[i][k]} - double{outputs_[0][k]});
            if (!(difference <= differences_[i])) differences_[i] = difference;  // and when it is no number
        }
    }
}

void Pass::count_instructions(std::size_t which, std::size_t hop) {
    const InstructionCounter counter;
    std::vector<double> counts;
    for (std::size_t i = 0; i < kCountedRuns; ++i) {
        models_[which].feed(frames_, hop + i);
        const auto before = counter.read();
        outcomes_[which].failed = !models_[which].run() || outcomes_[which].failed;
        const auto after = counter.read();
        if (!before || !after) continue;
        counts.push_back(static_cast<double>(*after - *before));
    }
    if (counts.empty()) return;
    std::ranges::sort(counts);
    outcomes_[which].instructions = counts[counts.size() / 2];
}

}  // namespace

std::vector<Outcome> run_interleaved(std::vector<LoadedModel>& models, const Frames& frames,
                                     const RunSettings& settings, std::atomic<std::size_t>& done) {
    std::vector<Outcome> outcomes;
    for (const bool paced : {true, false}) {
        Pass pass{models, frames, settings, paced, done};
        rt::RealtimeThread thread{{.name = "st-infer", .priority = kWorkerPriority, .core = {}}, [&] { pass.run(); }};
        thread.join();
        for (auto& outcome : pass.take()) outcomes.push_back(std::move(outcome));
    }
    return outcomes;
}

}  // namespace sidetone::cli::infer
