// SPDX-License-Identifier: Apache-2.0
#include "rt/interruptions.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "rt/clock.hpp"

namespace sidetone::rt {
namespace {

// A tick may come so much too early or too late.
constexpr std::int64_t kToleranceNs = 20'000;
// Where many interruptions come any time, some keep to every period. Those that do have to be so many times more.
constexpr double kAboveChance = 4;

/// Where in the period most interruptions of a watch begin, within kToleranceNs.
std::int64_t most_common_phase_ns(const Watch& watch, std::int64_t period_ns) {
    std::vector<std::int64_t> phases;
    for (const auto& found : watch.interruptions) phases.push_back(found.began_ns % period_ns);
    std::ranges::sort(phases);
    const auto count = phases.size();
    for (std::size_t n = 0; n < count; ++n) phases.push_back(phases[n] + period_ns);  // once more around the circle
    std::int64_t best_ns = 0;
    std::size_t most = 0, end = 0;
    for (std::size_t begin = 0; begin < count; ++begin) {
        while (end < phases.size() && phases[end] - phases[begin] <= 2 * kToleranceNs) ++end;
        if (end - begin <= most) continue;
        most = end - begin;
        best_ns = phases[begin] + kToleranceNs;
    }
    return best_ns;
}

/// Of a watch's interruptions the lengths of those that keep to the period, one a beat.
std::vector<std::int64_t> lengths_on_beat(const Watch& watch, std::int64_t period_ns) {
    std::vector<std::int64_t> lengths;
    const auto first_ns = most_common_phase_ns(watch, period_ns) - kToleranceNs - period_ns;  // before all of them
    std::int64_t last_beat = -1;
    for (const auto& found : watch.interruptions) {
        const auto beat = (found.began_ns - first_ns) / period_ns;
        const bool is_on_beat = found.began_ns - first_ns - beat * period_ns <= 2 * kToleranceNs;
        if (!is_on_beat || beat == last_beat) continue;
        last_beat = beat;
        lengths.push_back(found.length_ns);
    }
    const auto by_chance = 1 + static_cast<double>(watch.interruptions.size()) * 2 * static_cast<double>(kToleranceNs) /
                                   static_cast<double>(period_ns);
    if (static_cast<double>(lengths.size()) < kAboveChance * by_chance) lengths.clear();
    return lengths;
}

Rhythm rhythm_of(std::span<const Watch> watches, std::int64_t period_ns) {
    Rhythm rhythm{.period_ns = period_ns};
    std::vector<std::int64_t> lengths;
    double due = 0;
    for (const auto& watch : watches) {
        const auto found = lengths_on_beat(watch, period_ns);
        lengths.insert(lengths.end(), found.begin(), found.end());
        due += static_cast<double>(watch.end_ns - watch.began_ns) / static_cast<double>(period_ns);
    }
    if (lengths.empty()) return rhythm;
    std::ranges::sort(lengths);
    rhythm.count = lengths.size();
    rhythm.kept = std::min(1.0, static_cast<double>(lengths.size()) / due);
    rhythm.median_ns = lengths[lengths.size() / 2];
    rhythm.p90_ns = lengths[lengths.size() * 9 / 10];
    return rhythm;
}

}  // namespace

Watch watch_interruptions(std::int64_t for_ns, std::int64_t least_ns, std::size_t most) {
    Watch watch;
    watch.interruptions.resize(most);  // touches each page
    watch.interruptions.clear();
    watch.began_ns = watch.end_ns = now_ns();
    while (watch.end_ns - watch.began_ns < for_ns && watch.interruptions.size() < most) {
        const auto now = now_ns();
        if (now - watch.end_ns >= least_ns) watch.interruptions.push_back({watch.end_ns, now - watch.end_ns});
        watch.end_ns = now;
    }
    watch.interruptions.shrink_to_fit();
    return watch;
}

std::optional<Rhythm> clock_tick_of(std::span<const Watch> watches) {
    constexpr std::array<std::int64_t, 5> kPeriodsNs{1'000'000, 2'000'000, 3'333'333, 4'000'000, 10'000'000};
    // On a processor that never rests a clock leaves no beat out. Half is what another's of twice the period has.
    constexpr double kLeastKept = 0.75;
    for (const auto period_ns : kPeriodsNs) {
        const auto rhythm = rhythm_of(watches, period_ns);
        if (rhythm.kept >= kLeastKept) return rhythm;
    }
    return std::nullopt;
}

void record_stretched(std::span<const Watch> watches, std::int64_t job_ns, std::int64_t every_ns, Histogram& taken) {
    for (const auto& watch : watches) {
        auto next = watch.interruptions.begin();
        for (auto begin = watch.began_ns;; begin += every_ns) {
            while (next != watch.interruptions.end() && next->began_ns + next->length_ns <= begin) ++next;
            if (next != watch.interruptions.end() && next->began_ns < begin) continue;  // the thread did not run
            auto end = begin + job_ns;
            for (auto met = next; met != watch.interruptions.end() && met->began_ns < end; ++met) end += met->length_ns;
            if (end > watch.end_ns) break;
            taken.record(end - begin);
        }
    }
}

}  // namespace sidetone::rt
