// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_infer_runs.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "cli/instruction_counter.hpp"
#include "cli/register_work.hpp"
#include "rt/clock.hpp"
#include "rt/thread.hpp"
#include "rt/waiter.hpp"

namespace sidetone::cli::infer {
namespace {

constexpr std::size_t kSliceRuns = 64;
// After another backend's turn the caches are the other's: a stream in a live chain does not change backends.
constexpr std::size_t kSettleRuns = 4;
constexpr std::size_t kCountedRuns = 32;
// After each turn, and before so much processor time is spent without: the kernel stops a real-time thread that never
// sleeps (by default after 95 % of a second).
constexpr double kRestShare = 0.15;  // of the processor time since the last rest
constexpr std::int64_t kRestAfterNs = 300'000'000;
constexpr std::int64_t kSpinNs = 200'000;          // as a chain's worker
constexpr std::int64_t kStallsEndNs = 50'000'000;  // a stall is told of when it ends

/// Adds what is called while it lives.
class CountedCalls {
public:
    explicit CountedCalls(rt::RealtimeCounts* sum) noexcept : sum_(sum) {}
    ~CountedCalls() {
        if (sum_ == nullptr) return;
        const auto after = rt::realtime_counts(rt::RealtimeKind::worker);
        sum_->heap_calls += after.heap_calls - before_.heap_calls;
        sum_->locks += after.locks - before_.locks;
    }
    CountedCalls(const CountedCalls&) = delete;
    CountedCalls& operator=(const CountedCalls&) = delete;

private:
    rt::RealtimeCounts* sum_;
    rt::RealtimeCounts before_ = rt::realtime_counts(rt::RealtimeKind::worker);
};

/// One pass over all backends, paced or not.
class Pass {
public:
    Pass(std::span<LoadedModel> models, const Frames& frames, const RunSettings& settings, bool paced,
         std::atomic<std::size_t>& done)
        : models_(models),
          frames_(frames),
          settings_(settings),
          paced_(paced),
          done_(done),
          outputs_(models.size()),
          waiters_(models.size()),
          to_judge_(models.size()),
          outcomes_(models.size()) {
        for (std::size_t i = 0; i < models.size(); ++i) {
            outputs_[i].resize(models[i].outputs() * (kSliceRuns + kSettleRuns));
            to_judge_[i].reserve(kSliceRuns);
            outcomes_[i].backend = models[i].backend();
            outcomes_[i].paced = paced;
            outcomes_[i].caller = models[i].caller();
        }
    }

    void run();
    [[nodiscard]] std::vector<Outcome> take() { return std::move(outcomes_); }

private:
    void run_slice(std::size_t which, std::size_t first_hop, std::size_t runs);
    void run_floor(std::size_t which, std::size_t runs);
    void wait_for_hop(std::int64_t& due_ns, std::size_t which,
                      const std::function<void(const rt::Rehearsal&)>& rehearse) noexcept;
    void rehearse(std::size_t which, const rt::Rehearsal& rehearsal) noexcept;
    void rest_when_due() noexcept;
    void rest() noexcept;
    void run_once(std::size_t which, bool counts);
    void tell_stalled_from_others(std::size_t which);
    void compare(std::size_t runs);
    void count_instructions(std::size_t which, std::size_t hop);

    std::span<LoadedModel> models_;
    const Frames& frames_;
    const RunSettings& settings_;
    bool paced_;
    std::atomic<std::size_t>& done_;
    std::vector<std::vector<float>> outputs_;          // of a slice
    std::vector<rt::PredictiveWaiter> waiters_;        // each model's, that has learned how long it rehearses
    std::vector<std::vector<rt::TimedRun>> to_judge_;  // of the last slice, those that count
    std::vector<Outcome> outcomes_;
    std::int64_t rested_at_ns_ = 0, cpu_at_rest_ns_ = 0;
    std::vector<RegisterWork> floors_;  // of the outcomes, once their first medians are known
    double range_ = 0;                  // of the reference's outputs
    std::vector<double> differences_ = std::vector<double>(models_.size());
};

// All backends see the same hops one after the other; in each round another one is first.
void Pass::run() {
    rest();
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
    if (settings_.watch != nullptr) rt::sleep_until_monotonic(rt::monotonic_ns() + kStallsEndNs);
    for (std::size_t i = 0; i < models_.size(); ++i) {
        tell_stalled_from_others(i);
        outcomes_[i].max_diff = range_ > 0 ? differences_[i] / range_ : differences_[i];
        count_instructions(i, hop);
    }
}

void Pass::run_slice(std::size_t which, std::size_t first_hop, std::size_t runs) {
    tell_stalled_from_others(which);
    auto& model = models_[which];
    const std::function<void(const rt::Rehearsal&)> rehearsal = [this, which](const rt::Rehearsal& r) {
        rehearse(which, r);
    };
    auto due = rt::monotonic_ns();
    for (std::size_t i = 0; i < runs; ++i) {
        rest_when_due();
        wait_for_hop(due, which, rehearsal);
        model.feed(frames_, first_hop + i);
        run_once(which, i >= kSettleRuns);
        model.read({&outputs_[which][i * model.outputs()], model.outputs()});
        done_.fetch_add(1, std::memory_order_relaxed);
    }
    rest();
}

// A stall of any processor is told of when it ends, and may outlast a slice that ran on another: slices are judged as
// late as can be.
void Pass::tell_stalled_from_others(std::size_t which) {
    if (const auto stalls = rt::stall_finder(settings_.watch); stalls)
        rt::record_unstalled(to_judge_[which], stalls, *outcomes_[which].unstalled);
    to_judge_[which].clear();
}

void Pass::run_floor(std::size_t which, std::size_t runs) {
    auto due = rt::monotonic_ns();
    for (std::size_t i = 0; i < runs; ++i) {
        rest_when_due();
        wait_for_hop(due, which, {});
        const auto start = rt::now_ns();
        floors_[which].run();
        outcomes_[which].floor->record(rt::now_ns() - start);
        done_.fetch_add(1, std::memory_order_relaxed);
    }
    rest();
}

// Nobody notifies: the wait ends when the hop is due.
void Pass::wait_for_hop(std::int64_t& due_ns, std::size_t which,
                        const std::function<void(const rt::Rehearsal&)>& rehearse) noexcept {
    if (!paced_) return;
    const auto now = rt::monotonic_ns();
    due_ns = std::max(due_ns + settings_.hop_ns, now);
    if (models_[which].caller() == Caller::callback) {
        rt::sleep_until_monotonic(due_ns);
        return;
    }
    waiters_[which].expect(due_ns);
    waiters_[which].wait(due_ns - now, kSpinNs, rehearse);
}

void Pass::rehearse(std::size_t which, const rt::Rehearsal& rehearsal) noexcept {
    const CountedCalls counted{&outcomes_[which].counts};
    const auto start = rt::now_ns();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::worker};
        models_[which].rehearse(rehearsal);
    }
    outcomes_[which].rehearsals->record(rt::now_ns() - start);
}

void Pass::rest_when_due() noexcept {
    if (rt::monotonic_ns() - rested_at_ns_ < kRestAfterNs) return;
    if (rt::thread_cpu_ns() - cpu_at_rest_ns_ >= kRestAfterNs) rest();
}

void Pass::rest() noexcept {
    const auto spent_ns = static_cast<double>(rt::thread_cpu_ns() - cpu_at_rest_ns_);
    rt::sleep_until_monotonic(rt::monotonic_ns() + static_cast<std::int64_t>(kRestShare * spent_ns));
    rested_at_ns_ = rt::monotonic_ns();
    cpu_at_rest_ns_ = rt::thread_cpu_ns();
}

void Pass::run_once(std::size_t which, bool counts) {
    auto& outcome = outcomes_[which];
    const CountedCalls counted{counts ? &outcome.counts : nullptr};
    bool good = false;
    rt::TimedRun run;
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::worker};
        run.start_ns = rt::now_ns();
        good = models_[which].run();
        run.took_ns = rt::now_ns() - run.start_ns;
    }
    outcome.failed = outcome.failed || !good;
    if (!counts) return;
    outcome.times->record(run.took_ns);
    to_judge_[which].push_back(run);
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
        rest_when_due();
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

std::size_t called_by_worker(std::span<const LoadedModel> models) {
    return static_cast<std::size_t>(std::ranges::count(models, Caller::worker, &LoadedModel::caller));
}

}  // namespace

std::size_t all_runs(const std::vector<LoadedModel>& models, const RunSettings& settings) {
    return 2 * settings.runs * (models.size() + called_by_worker(models));  // with those of the floors
}

std::vector<Outcome> run_interleaved(std::vector<LoadedModel>& models, const Frames& frames,
                                     const RunSettings& settings, std::atomic<std::size_t>& done) {
    std::vector<Outcome> outcomes;
    for (const bool paced : {true, false}) {
        const auto in_pass = std::span{models}.first(paced ? models.size() : called_by_worker(models));
        Pass pass{in_pass, frames, settings, paced, done};
        rt::RealtimeThread thread{{.name = "st-infer", .priority = kWorkerPriority, .core = {}}, [&] { pass.run(); }};
        thread.join();
        for (auto& outcome : pass.take()) outcomes.push_back(std::move(outcome));
    }
    return outcomes;
}

}  // namespace sidetone::cli::infer
