// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "rt/stall_watch.hpp"
#include "rt/thread.hpp"
#include "stage/events.hpp"

namespace sidetone::engine {

/// Whose fault a miss is (DESIGN section 7).
enum class Cause : std::uint8_t {
    ours,    ///< everything that is not one of the others
    card,    ///< the callback itself came late by more than half a period, or the card skipped input
    stolen,  ///< the hypervisor or the scheduler took the processor away meanwhile
};

using rt::StallFinder;

/// Counts what went wrong and finds the cause of each: the control thread's part of the ledger. Call `poll` some tens
/// of times a second while sound runs; what the scheduler did is only known to that grain.
class Tally {
public:
    /// With `stalls`, a miss is stolen when the machine stood still for as long as it takes to explain it, and only
    /// then: those who watch for that take the processor away themselves, for microseconds.
    explicit Tally(Engine& engine, StallFinder stalls = {}) : engine_(engine), stalls_(std::move(stalls)) {}

    /// Control thread. Drains the engine's events and finds their causes.
    void poll(int audio_thread_id);

    /// One line for people per kind and cause seen since the last call; none when nothing happened.
    [[nodiscard]] std::vector<std::string> take_lines();

    [[nodiscard]] std::uint64_t misses(Cause cause) const noexcept { return misses_[static_cast<std::size_t>(cause)]; }
    [[nodiscard]] std::uint64_t not_finite_in() const noexcept { return not_finite_in_; }
    [[nodiscard]] std::uint64_t not_finite_out() const noexcept { return not_finite_out_; }
    [[nodiscard]] std::uint64_t model_failures() const noexcept { return model_failures_; }

private:
    struct Pressure {
        int audio_id = 0, worker_id = 0;
        std::uint64_t audio_switches = 0, worker_switches = 0, stolen_ns = 0;
    };
    [[nodiscard]] bool was_stolen(int audio_thread_id);
    [[nodiscard]] bool is_explained_by_stalls(const rt::Event& event, double period_ns) const;
    [[nodiscard]] Cause cause_of(const rt::Event& event, double period_ns, bool stolen) const noexcept;
    [[nodiscard]] std::uint64_t weight_of(const rt::Event& event, std::uint32_t block_frames) const noexcept;

    Engine& engine_;
    StallFinder stalls_;
    std::map<std::pair<stage::EventKind, Cause>, std::uint64_t> seen_;  // not told yet
    std::uint64_t misses_[3] = {};
    std::uint64_t not_finite_in_ = 0, not_finite_out_ = 0, model_failures_ = 0;
    std::optional<Pressure> pressure_;  // at the last look
    bool stolen_before_ = false;
};

}  // namespace sidetone::engine
