// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "device/card.hpp"
#include "dsp/sample_conversion.hpp"
#include "engine/chain_file.hpp"
#include "engine/ledger.hpp"
#include "rt/arena.hpp"
#include "rt/event_log.hpp"
#include "rt/realtime.hpp"
#include "stage/stage.hpp"

namespace sidetone::engine {

/// A chain of stages made ready for one card format: it converts the card's samples straight into the first stage's
/// memory, runs the stages, and converts the last one's output into the card. Two conversions, nothing copied between.
class Chain {
public:
    struct Options {
        bool offline = false;
        rt::PredictiveWaiter* waiter = nullptr;
        rt::EventLog* events = nullptr;
    };

    /// Control thread. Prepares every stage of `file` (which must outlive this) and makes their lines in `ledger`.
    Chain(ChainFile& file, const device::CardFormat& format, Ledger& ledger, const Options& options);

    /// Audio thread.
    void process(const device::CardBlock& block) noexcept SIDETONE_REALTIME;

    [[nodiscard]] std::uint32_t delay_frames() const noexcept { return delay_frames_; }
    [[nodiscard]] std::vector<stage::WorkSource*> work() const;
    /// Empty, or one line: what could not be locked in memory (rt::Arena).
    [[nodiscard]] const std::string& lock_warning() const noexcept { return arena_.lock_warning(); }

    /// Linear peaks since the last call: of the chain's channels as they come in, and of the card's as they go out. Any
    /// one thread.
    [[nodiscard]] std::vector<float> take_input_peaks() { return take(input_peaks_); }
    [[nodiscard]] std::vector<float> take_output_peaks() { return take(output_peaks_); }
    [[nodiscard]] std::uint64_t not_finite() const noexcept { return not_finite_.load(std::memory_order_relaxed); }

private:
    using Peaks = std::span<std::atomic<float>>;
    [[nodiscard]] static std::vector<float> take(Peaks peaks);
    void convert_in(const device::CardBlock& block, float* const* target) noexcept;
    void convert_out(const device::CardBlock& block) noexcept;
    void note_not_finite(std::uint64_t samples, bool at_output) noexcept;
    void note_timing(const device::CardBlock& block, std::int64_t ended_ns) noexcept;
    void note_trouble(const device::CardBlock& block, std::int64_t ended_ns, std::int64_t period_ns) noexcept;

    // Columns of a block's row in the ledger; behind them one for each stage.
    enum Column : std::size_t { kLateness, kConversionIn, kConversionOut, kCallback, kTotal, kFirstStage };

    [[nodiscard]] rt::HistogramRows& make_lines(const ChainFile& file, Ledger& ledger) const;

    // Of the arena is what every block touches, side by side: to a callback every few milliseconds, pages are cold. So
    // are members from `stages_` to `previous_overran_`.
    rt::Arena arena_;
    alignas(rt::kCacheLine) std::span<stage::Stage*> stages_;
    std::span<float*> buffers_;
    Peaks input_peaks_, output_peaks_;
    rt::HistogramRows& times_;
    rt::EventLog* events_;
    double nominal_period_ns_;
    std::uint32_t nominal_block_;
    std::uint32_t channels_;
    bool previous_overran_ = false;  // the last callback by itself took more than a period
    std::span<float> buffer_;
    std::uint32_t delay_frames_ = 0;
    std::atomic<std::uint64_t> not_finite_{0};
};

}  // namespace sidetone::engine
