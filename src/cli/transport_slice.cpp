// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_slice.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "rt/clock.hpp"
#include "rt/guard.hpp"
#include "rt/thread.hpp"

namespace sidetone::cli::transport {
namespace {

using engine::Cause;

constexpr auto kPoll = std::chrono::milliseconds{50};
constexpr double kSettleSeconds = 0.3;  // threads start, caches fill, predictions settle
constexpr std::size_t kMissesRemembered = 8192;

constexpr auto kStallsKnownAfter = std::chrono::milliseconds{50};  // one is known when it is over

struct Miss {
    std::int64_t at_ns = 0;
    std::uint64_t results = 0;  // that were not there, or blocks that ended too late
    bool card_was_late = false;
    rt::StallExcuse excuse;
};

/// Times every block of a pipeline.
class TimedPipeline final : public device::CardUser {
public:
    TimedPipeline(Pipeline& pipeline, Outcome& outcome) : pipeline_(pipeline), outcome_(outcome) {}

    void prepare(const device::CardFormat& format) override { pipeline_.start(format, outcome_.figures); }
    void process(const device::CardBlock& block) noexcept override;
    void on_event(device::CardEvent /*event*/) noexcept override {}
    [[nodiscard]] std::uint32_t delay_frames() const noexcept override { return pipeline_.delay_frames(); }

    /// Control thread: figures count from the next block on; returns when they do.
    void begin_counting() noexcept;
    /// Control thread: from the next block on nothing is done any more, so that everyone counts to the same block.
    void end_counting() noexcept { has_ended_.store(true, std::memory_order_relaxed); }

    /// Control thread, when no block comes any more.
    [[nodiscard]] std::span<const Miss> misses() const noexcept { return {misses_.data(), miss_count_}; }

private:
    void note_misses(const device::CardBlock& block, std::int64_t ended_ns) noexcept;

    Pipeline& pipeline_;
    Outcome& outcome_;
    std::atomic<bool> wants_counting_{false}, has_ended_{false};
    std::uint64_t misses_seen_ = 0;
    std::int64_t lateness_before_ns_ = 0;
    bool overran_before_ = false;
    std::array<Miss, kMissesRemembered> misses_;
    std::size_t miss_count_ = 0;
};

void TimedPipeline::process(const device::CardBlock& block) noexcept {
    auto& figures = outcome_.figures;
    if (has_ended_.load(std::memory_order_relaxed)) {
        figures.counting.store(false, std::memory_order_relaxed);
        return;
    }
    const bool counting = figures.counting.load(std::memory_order_relaxed);
    bool ran_model = false;
    std::int64_t entered = 0, ended = 0;
    pipeline_.before_block(block);
    {
        const rt::RealtimeScope scope{counting ? rt::RealtimeKind::audio : rt::RealtimeKind::none};
        const CopyScope copies{counting ? &figures.audio_copies : nullptr};
        entered = rt::now_ns();
        ran_model = pipeline_.process(block);
        ended = rt::now_ns();
    }
    pipeline_.after_block();
    if (counting) {
        ++outcome_.blocks;
        outcome_.lateness.record(block.entered_ns - block.due_ns);
        figures.callback.record(ended - entered);
        if (!ran_model) figures.callback_without_model.record(ended - entered);
        note_misses(block, ended);
    }
    overran_before_ = static_cast<double>(ended - entered) > block.period_ns;
    lateness_before_ns_ = block.entered_ns - block.due_ns;
    if (!counting && wants_counting_.exchange(false, std::memory_order_acquire)) {
        misses_seen_ = pipeline_.misses();
        pipeline_.begin_counting();
        figures.counting.store(true, std::memory_order_release);
    }
}

void TimedPipeline::note_misses(const device::CardBlock& block, std::int64_t ended_ns) noexcept {
    const auto lateness = block.entered_ns - block.due_ns;
    const auto period = static_cast<std::int64_t>(block.period_ns);
    const auto half_period = period / 2;
    const auto note = [&](std::uint64_t results, bool card_was_late, const rt::StallExcuse& excuse) noexcept {
        if (results == 0 || miss_count_ == misses_.size()) return;
        misses_[miss_count_++] = {
            .at_ns = ended_ns, .results = results, .card_was_late = card_was_late, .excuse = excuse};
    };
    // A result that is missing now was submitted by this callback or the one before.
    const bool was_late = std::max(lateness, lateness_before_ns_) > half_period;
    note(pipeline_.misses() - misses_seen_, was_late, {.within_ns = 2 * period});
    misses_seen_ = pipeline_.misses();
    const auto since_due = ended_ns - block.due_ns;
    if (since_due > period) note(1, lateness > half_period, rt::StallExcuse::of_overrun(since_due, period));
    if (block.lost_frames > 0) {
        const auto lost = (block.lost_frames + block.frames - 1) / block.frames;
        const auto lost_ns = static_cast<std::int64_t>(lost) * period;
        note(lost, !overran_before_, rt::StallExcuse::of_lost(lost_ns, period));
    }
}

void TimedPipeline::begin_counting() noexcept {
    wants_counting_.store(true, std::memory_order_release);
    while (!outcome_.figures.counting.load(std::memory_order_acquire))
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

/// Knows when the processor was taken away, to the grain of its looks.
class StolenTimes {
public:
    StolenTimes(int audio_id, int worker_id) : audio_id_(audio_id), worker_id_(worker_id), last_(look()) {}

    void poll() {
        const auto now = look();
        if (now.switches > last_.switches || now.stolen_ns > last_.stolen_ns)
            spans_.push_back({last_.at_ns, now.at_ns});
        last_ = now;
    }

    [[nodiscard]] bool contains(std::int64_t at_ns) const {
        return std::ranges::any_of(spans_,
                                   [&](const Span& span) { return span.from_ns <= at_ns && at_ns <= span.to_ns; });
    }

private:
    struct Look {
        std::int64_t at_ns = 0;
        std::uint64_t switches = 0, stolen_ns = 0;
    };
    struct Span {
        std::int64_t from_ns, to_ns;
    };

    [[nodiscard]] Look look() const {
        auto switches = rt::thread_pressure(audio_id_).involuntary_switches;
        if (worker_id_ != 0) switches += rt::thread_pressure(worker_id_).involuntary_switches;
        return {.at_ns = rt::now_ns(), .switches = switches, .stolen_ns = rt::stolen_ns()};
    }

    int audio_id_, worker_id_;
    Look last_;
    std::vector<Span> spans_;
};

void add_counts(Outcome& outcome) {
    const auto audio = rt::realtime_counts(rt::RealtimeKind::audio);
    const auto worker = rt::realtime_counts(rt::RealtimeKind::worker);
    outcome.heap_calls += audio.heap_calls;
    outcome.locks += audio.locks;
    outcome.worker_heap_calls += worker.heap_calls;
    outcome.worker_locks += worker.locks;
}

}  // namespace

CopyCount Outcome::copies() const noexcept {
    auto sum = figures.audio_copies;
    return sum += figures.worker_copies;
}

device::SimSettings card_settings(std::uint32_t rate_hz, std::uint32_t block_frames, std::span<const float> sound) {
    device::SimSettings settings;
    settings.pacing.rate_hz = rate_hz;
    settings.pacing.block_frames = block_frames;
    settings.format = dsp::SampleFormat::s16;
    settings.interleaved = true;
    settings.generator = [sound](std::uint64_t first_frame, std::uint32_t /*channel*/, std::span<float> samples) {
        for (auto& sample : samples) sample = sound[first_frame++ % sound.size()];
    };
    return settings;
}

void run_slice(Pipeline& pipeline, const device::SimSettings& card_settings, double seconds,
               const rt::StallFinder& stalls, Outcome& outcome) {
    // On the heap: it remembers thousands of misses.
    const auto timed = std::make_unique<TimedPipeline>(pipeline, outcome);
    device::SimCard card{card_settings};
    card.start(*timed);
    std::this_thread::sleep_for(std::chrono::duration<double>{kSettleSeconds});
    StolenTimes stolen{card.audio_thread_id(), pipeline.worker_id()};
    timed->begin_counting();
    rt::reset_realtime_counts();
    const auto started = rt::monotonic_ns();
    const auto cpu_started = rt::process_cpu_ns();
    const auto end = started + static_cast<std::int64_t>(seconds * 1e9);
    while (rt::monotonic_ns() < end) {
        std::this_thread::sleep_for(
            std::min<std::chrono::nanoseconds>(kPoll, std::chrono::nanoseconds{end - rt::monotonic_ns()}));
        stolen.poll();
    }
    outcome.cpu_s += static_cast<double>(rt::process_cpu_ns() - cpu_started) * 1e-9;
    outcome.counted_s += static_cast<double>(rt::monotonic_ns() - started) * 1e-9;
    add_counts(outcome);
    timed->end_counting();
    card.stop();
    pipeline.stop();
    if (stalls && !timed->misses().empty()) std::this_thread::sleep_for(kStallsKnownAfter);
    const auto is_stolen = [&](const Miss& miss) {
        return stalls ? rt::is_excused(miss.at_ns, miss.excuse, stalls) : stolen.contains(miss.at_ns);
    };
    for (const auto& miss : timed->misses()) {
        const auto cause = miss.card_was_late ? Cause::card : is_stolen(miss) ? Cause::stolen : Cause::ours;
        outcome.misses[static_cast<std::size_t>(cause)] += miss.results;
    }
}

}  // namespace sidetone::cli::transport
