// SPDX-License-Identifier: Apache-2.0
#include "engine/tally.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sidetone::engine {
namespace {

using stage::EventKind;

constexpr std::int64_t kHelperNs =
    40'000'000;  // helpers have 20 ms at least, and are given the work at their beginning

const char* describe(EventKind kind) noexcept {
    switch (kind) {
        case EventKind::hop_late:
            return "the model's result came too late";
        case EventKind::hop_dropped:
            return "the model's queue was full";
        case EventKind::model_failed:
            return "the model failed or gave a value that is not finite";
        case EventKind::block_overrun:
            return "the callback ended after its period";
        case EventKind::frames_lost:
            return "the card skipped input";
        case EventKind::canceller_diverged:
            return "the feedback canceller made things louder and began anew";
        case EventKind::helper_late:
            return "a helper thread's part of the sound came too late";
        case EventKind::not_finite:
            return "NaN or infinity replaced by silence";
    }
    return "?";
}

const char* describe(Cause cause) noexcept {
    switch (cause) {
        case Cause::ours:
            return "ours";
        case Cause::card:
            return "the card came late";
        case Cause::stolen:
            return "processor taken away";
    }
    return "?";
}

}  // namespace

void Tally::poll(int audio_thread_id) {
    const bool stolen_now = was_stolen(audio_thread_id);
    const bool stolen = stolen_now || stolen_before_;  // the event may lie just before the last look
    stolen_before_ = stolen_now;
    const auto format = engine_.format();
    const auto period_ns = format.rate_hz == 0 ? 1e9 : 1e9 * format.block_frames / format.rate_hz;

    rt::Event event;
    while (engine_.take_event(event)) {
        const auto kind = static_cast<EventKind>(event.kind);
        if (kind == EventKind::not_finite) {
            (event.values[1] == 0 ? not_finite_in_ : not_finite_out_) += static_cast<std::uint64_t>(event.values[0]);
            seen_[{kind, event.values[1] == 0 ? Cause::card : Cause::ours}] +=
                static_cast<std::uint64_t>(event.values[0]);
            continue;
        }
        if (kind == EventKind::canceller_diverged) {  // heard, but no block was missed
            ++seen_[{kind, Cause::ours}];
            continue;
        }
        if (kind == EventKind::model_failed) ++model_failures_;
        const auto cause = cause_of(event, period_ns, stalls_ ? is_explained_by_stalls(event, period_ns) : stolen);
        const auto weight = weight_of(event, std::max(1U, format.block_frames));
        misses_[static_cast<std::size_t>(cause)] += weight;
        seen_[{kind, cause}] += weight;
    }
}

std::vector<std::string> Tally::take_lines() {
    std::vector<std::string> lines;
    for (const auto& [what, count] : std::exchange(seen_, {})) {
        const auto& [kind, cause] = what;
        if (kind == EventKind::not_finite) {
            lines.push_back(
                fmt::format("{} x {} ({})", count, describe(kind), cause == Cause::card ? "input" : "output"));
        } else {
            lines.push_back(fmt::format("{} x {} (cause: {})", count, describe(kind), describe(cause)));
        }
    }
    return lines;
}

bool Tally::was_stolen(int audio_thread_id) {
    const auto worker_id = engine_.worker_id();
    const Pressure now{.audio_id = audio_thread_id,
                       .worker_id = worker_id,
                       .audio_switches = rt::thread_pressure(audio_thread_id).involuntary_switches,
                       .worker_switches = rt::thread_pressure(worker_id).involuntary_switches,
                       .stolen_ns = rt::stolen_ns()};
    const auto before = std::exchange(pressure_, now);
    if (!before) return false;  // what happened before the first look is no excuse
    return (now.audio_id == before->audio_id && now.audio_switches > before->audio_switches) ||
           (now.worker_id == before->worker_id && now.worker_switches > before->worker_switches) ||
           now.stolen_ns > before->stolen_ns;
}

// A watch that is late by less than a stall's least length sees none: what took a little too long stays ours.
bool Tally::is_explained_by_stalls(const rt::Event& event, double period_ns) const {
    const auto period = static_cast<std::int64_t>(period_ns);
    const auto explains = [&](const rt::StallExcuse& excuse) { return rt::is_excused(event.at_ns, excuse, stalls_); };
    switch (static_cast<EventKind>(event.kind)) {
        case EventKind::block_overrun:
            return explains(rt::StallExcuse::of_overrun(event.values[0] + event.values[1], period));
        case EventKind::hop_late:
            return explains({.within_ns = event.values[2]});
        case EventKind::frames_lost: {
            const auto format = engine_.format();
            const auto lost = static_cast<std::int64_t>(1e9 * static_cast<double>(event.values[0]) / format.rate_hz);
            return explains(rt::StallExcuse::of_lost(lost, period));
        }
        case EventKind::helper_late:
            return explains({.within_ns = std::max(2 * period, kHelperNs)});
        default:
            return explains({.within_ns = 2 * period});
    }
}

Cause Tally::cause_of(const rt::Event& event, double period_ns, bool stolen) const noexcept {
    const auto otherwise = stolen ? Cause::stolen : Cause::ours;
    switch (static_cast<EventKind>(event.kind)) {
        case EventKind::hop_late:
            return static_cast<double>(event.values[1]) > period_ns / 2 ? Cause::card : otherwise;
        case EventKind::block_overrun:
            return static_cast<double>(event.values[0]) > period_ns / 2 ? Cause::card : otherwise;
        case EventKind::frames_lost:
            return event.values[1] == 0 ? Cause::card : otherwise;
        case EventKind::model_failed:
            return Cause::ours;
        default:
            return otherwise;
    }
}

std::uint64_t Tally::weight_of(const rt::Event& event, std::uint32_t block_frames) const noexcept {
    const auto value = static_cast<std::uint64_t>(event.values[0]);
    switch (static_cast<EventKind>(event.kind)) {
        case EventKind::frames_lost:
            return (value + block_frames - 1) / block_frames;
        case EventKind::helper_late:
            return value;
        default:
            return 1;
    }
}

}  // namespace sidetone::engine
