// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rt/arena.hpp"
#include "rt/event_log.hpp"
#include "rt/histogram.hpp"
#include "rt/realtime.hpp"
#include "rt/rehearsal.hpp"
#include "rt/waiter.hpp"
#include "stage/changeable.hpp"

namespace sidetone::stage {

/// Where a stage that runs a model runs it.
enum class Mode : std::uint8_t {
    automatic,  ///< decided by `prepare` from a paced warm-up
    direct,     ///< in the callback: no latency added
    pipelined,  ///< on the worker, its result used exactly one block later
};
[[nodiscard]] const char* to_string(Mode mode) noexcept;

/// What full scale is in the air: the level of a sound whose root mean square is 1, before the microphone and after the
/// receiver. A property of the device, which only a measurement can tell.
struct Calibration {
    static constexpr double kLowestDbSpl = 60, kHighestDbSpl = 160;  ///< that full scale may be

    double input_full_scale_db_spl = 120;
    double output_full_scale_db_spl = 120;
    bool is_made = false;  ///< false: these are only a guess
};

/// What a stage may count on once it is prepared. Alive until the next `prepare` or the stage's end.
struct StageContext {
    std::uint32_t rate_hz = 0;
    std::uint32_t block_frames = 0;      ///< the usual block
    std::uint32_t max_block_frames = 0;  ///< no call of `process` brings more
    bool fixed_block = true;             ///< every call brings block_frames
    std::uint32_t channels = 0;
    bool offline = false;     ///< no card waits: run direct, with a delay that does not depend on the block
    std::uint32_t index = 0;  ///< the stage's place in the chain, for its events
    rt::PredictiveWaiter* waiter = nullptr;  ///< of the chain's worker; null offline
    rt::EventLog* audio_events = nullptr;
    Calibration calibration;

    [[nodiscard]] double period_ns() const noexcept { return 1e9 * block_frames / rate_hz; }
};

/// When the block being processed was due, and what the card's period is.
struct BlockTime {
    std::int64_t due_ns = 0;            ///< stamp clock
    std::int64_t due_monotonic_ns = 0;  ///< the same moment on CLOCK_MONOTONIC
    std::int64_t entered_ns = 0;        ///< stamp clock: when the callback came
    double period_ns = 0;
};

/// A part of a stage's work that the ledger shows on a line of its own.
struct StagePart {
    std::string name;  ///< "hand-off", "inference"
    const rt::Histogram* histogram = nullptr;
    double budget_us = 0;  ///< 0: none
};

/// Work for the chain's worker thread.
class WorkSource {
public:
    virtual ~WorkSource() = default;
    /// Worker thread. Does the oldest piece of work; false when there was none.
    virtual bool run_next() noexcept SIDETONE_REALTIME = 0;
    /// Worker thread, shortly before work is expected: goes through what `run_next` will do without doing it.
    virtual void rehearse(const rt::Rehearsal& rehearsal) noexcept SIDETONE_REALTIME { (void)rehearsal; }
};

/// A link of a chain: floats in, floats out, one buffer per channel, the same number of frames.
class Stage {
public:
    virtual ~Stage() = default;

    /// "denoise", "gain" …
    [[nodiscard]] virtual const char* kind() const noexcept = 0;

    /// Control thread; never while `process` or `run_next` runs. Allocates all that will be needed and starts from
    /// silence.
    virtual void prepare(const StageContext& context) = 0;

    /// Audio thread, before `process` of the same block: where this stage would like its input to be written, so that
    /// it arrives without a copy. nullptr: anywhere.
    [[nodiscard]] virtual float* const* claim_input(std::uint32_t frames) noexcept SIDETONE_REALTIME {
        (void)frames;
        return nullptr;
    }

    /// Audio thread. `in` may be `out`.
    virtual void process(const float* const* in, float* const* out, std::uint32_t frames,
                         const BlockTime& time) noexcept SIDETONE_REALTIME = 0;

    /// Audio thread, after the chain's last stage has done the same block: what is going to be played, for stages that
    /// must know what the ear hears.
    virtual void hear(const float* const* out, std::uint32_t frames) noexcept SIDETONE_REALTIME {
        (void)out;
        (void)frames;
    }

    /// Frames by which the output lags the input, at the chain's rate; constant once prepared.
    [[nodiscard]] virtual std::uint32_t delay_frames() const noexcept { return 0; }

    /// Non-null when the stage needs the worker.
    [[nodiscard]] virtual WorkSource* work() noexcept { return nullptr; }

    [[nodiscard]] virtual std::vector<StagePart> parts() const { return {}; }

    /// One line about a decision the user should know ("runs direct: …"); empty: none.
    [[nodiscard]] virtual std::string decision() const { return {}; }

    /// Whether what the stage does depends on levels in the air, so that a calibration that was never made is worth a
    /// warning.
    [[nodiscard]] virtual bool needs_calibration() const noexcept { return false; }

    /// Non-null when some of its settings may change while sound runs.
    [[nodiscard]] virtual Changeable* changeable() noexcept { return nullptr; }

    /// The same of the links of a filter bank, one for each of its tables [[stage.gains]].
    [[nodiscard]] virtual std::vector<Changeable*> changeable_links() { return {}; }

    /// Hops or blocks whose result did not come in time.
    [[nodiscard]] virtual std::uint64_t misses() const noexcept { return 0; }
};

}  // namespace sidetone::stage
