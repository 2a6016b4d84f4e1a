// SPDX-License-Identifier: Apache-2.0
#include "rt/stall_watch.hpp"

#include <algorithm>
#include <atomic>

#include "rt/arena.hpp"
#include "rt/clock.hpp"
#include "rt/single_writer_single_reader_ring.hpp"
#include "rt/thread.hpp"

namespace sidetone::rt {
namespace {

constexpr int kHighestPriority = 98;  // 99 is the kernel's own threads'
constexpr std::size_t kMostUnseen = 1024;
constexpr std::int64_t kRememberedNs = 60'000'000'000;

}  // namespace

class StallWatch::Watcher {
public:
    explicit Watcher(int processor)
        : arena_(kMostUnseen * sizeof(Stall) + kCacheLine),
          ring_(arena_, kMostUnseen),
          thread_({.name = "st-watch", .priority = kHighestPriority, .core = processor}, [this] { run(); }) {}
    ~Watcher() {
        stopped_.store(true, std::memory_order_relaxed);
        thread_.join();
    }
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    [[nodiscard]] int priority() const noexcept { return thread_.priority(); }
    [[nodiscard]] bool take(Stall& stall) noexcept { return ring_.try_pop(stall); }

private:
    void run() noexcept {
        auto due_ns = monotonic_ns();
        while (!stopped_.load(std::memory_order_relaxed)) {
            due_ns += kPeriodNs;
            sleep_until_monotonic(due_ns);
            const auto late_ns = monotonic_ns() - due_ns;
            if (late_ns < kLeastNs) continue;
            const auto now_ns = rt::now_ns();
            (void)ring_.try_push({.from_ns = now_ns - late_ns, .to_ns = now_ns});  // when full: thousands lie there
            due_ns += late_ns / kPeriodNs * kPeriodNs;                             // one stall is told once
        }
    }

    Arena arena_;
    SingleWriterSingleReaderRing<Stall> ring_;
    std::atomic<bool> stopped_{false};
    RealtimeThread thread_;
};

StallWatch::StallWatch() {
    calibrate_clock();
    for (const int processor : allowed_cores()) watchers_.push_back(std::make_unique<Watcher>(processor));
    recent_.resize(watchers_.size());
}

StallWatch::~StallWatch() = default;

std::unique_ptr<StallWatch> StallWatch::start_or_say(int watched_priority, std::string& why) {
    auto watch = std::make_unique<StallWatch>();
    const int priority = watch->priority();
    if (priority > watched_priority) return watch;
    if (watch->watchers_.empty()) {
        why = "this system does not tell its processors";
    } else if (priority == 0) {
        why = "that takes the right to real-time priority (see `sidetone doctor`)";
    } else {
        why = "that takes a real-time priority above " + std::to_string(watched_priority) + ", found " +
              std::to_string(priority) + "; raise it with: sudo prlimit --pid $$ --rtprio=95";
    }
    return nullptr;
}

int StallWatch::priority() const noexcept {
    if (watchers_.empty()) return 0;
    int lowest = kHighestPriority;
    for (const auto& watcher : watchers_) lowest = std::min(lowest, watcher->priority());
    return lowest;
}

void StallWatch::collect() {
    for (std::size_t i = 0; i < watchers_.size(); ++i) {
        Stall stall;
        while (watchers_[i]->take(stall)) {
            recent_[i].push_back(stall);
            ++stalls_;
            longest_ns_ = std::max(longest_ns_, stall.to_ns - stall.from_ns);
        }
        const auto oldest_ns = now_ns() - kRememberedNs;
        while (!recent_[i].empty() && recent_[i].front().to_ns < oldest_ns) recent_[i].pop_front();
    }
}

std::int64_t StallWatch::most_stalled_ns(std::int64_t from_ns, std::int64_t to_ns) {
    collect();
    if (!is_watching()) return 0;
    std::int64_t most_ns = 0;
    for (const auto& stalls : recent_) most_ns = std::max(most_ns, rt::most_stalled_ns(stalls, from_ns, to_ns));
    return most_ns;
}

std::uint64_t StallWatch::stalls() {
    collect();
    return stalls_;
}

std::int64_t StallWatch::longest_ns() {
    collect();
    return longest_ns_;
}

StallFinder stall_finder(StallWatch* watch) {
    if (watch == nullptr) return {};
    return [watch](std::int64_t from_ns, std::int64_t to_ns) { return watch->most_stalled_ns(from_ns, to_ns); };
}

bool is_excused(std::int64_t at_ns, const StallExcuse& excuse, const StallFinder& stalls) {
    return stalls(at_ns - excuse.within_ns, at_ns) >= std::max<std::int64_t>(excuse.least_ns, 1);
}

void record_unstalled(std::span<const TimedRun> runs, const StallFinder& stalls, Histogram& times) {
    for (const auto& run : runs) {
        if (stalls(run.start_ns, run.start_ns + run.took_ns) == 0) times.record(run.took_ns);
    }
}

std::int64_t most_stalled_ns(const std::deque<Stall>& stalls, std::int64_t from_ns, std::int64_t to_ns) noexcept {
    std::int64_t sum_ns = 0;
    for (const auto& stall : stalls) {
        const auto begin_ns = std::max(from_ns, stall.from_ns - StallWatch::kPeriodNs);
        sum_ns += std::max<std::int64_t>(0, std::min(to_ns, stall.to_ns) - begin_ns);
    }
    return sum_ns;
}

}  // namespace sidetone::rt
