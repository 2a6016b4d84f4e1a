// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rt/arena.hpp"
#include "rt/histogram.hpp"
#include "rt/realtime.hpp"

namespace sidetone::rt {

/// The times of a block, one for each of some histograms, written side by side and put into the histograms some blocks
/// at a time. A histogram takes two cache lines and two pages for every value; to a callback that comes every few
/// milliseconds they are cold, and it waits for each. A row takes a line for every eight values.
///
/// One thread records. Any thread may ask for a distribution meanwhile, and sees every finished row.
class HistogramRows {
public:
    /// The histograms must outlive this, and nothing else may record into them.
    explicit HistogramRows(std::vector<Histogram*> columns);

    /// A row begins, has every column set once, and is finished. Every 16th beginning puts rows away: let it lie where
    /// time is accounted for.
    void begin_row() noexcept {
        if (finished_.load(std::memory_order_relaxed) == kRows) settle();
    }
    void set(std::size_t column, std::int64_t value_ns) noexcept {
        at(finished_.load(std::memory_order_relaxed), column).store(value_ns, std::memory_order_release);
    }
    void finish_row() noexcept {
        finished_.store(finished_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    /// Puts what is left into the histograms. The recording thread's, or any while it does not record.
    void settle() noexcept SIDETONE_REALTIME;

    [[nodiscard]] bool has(const Histogram& histogram) const noexcept;
    /// Of one of the histograms, finished rows included. Not for real-time threads: it reads anew when rows have just
    /// been put away.
    [[nodiscard]] Distribution distribution_us(const Histogram& histogram) const noexcept;

private:
    static constexpr std::size_t kRows = 16;

    [[nodiscard]] std::size_t column_of(const Histogram& histogram) const noexcept;
    static constexpr std::size_t kLineValues = kCacheLine / sizeof(std::int64_t);
    struct alignas(kCacheLine) Line {
        std::array<std::atomic<std::int64_t>, kLineValues> values{};
    };
    [[nodiscard]] std::atomic<std::int64_t>& at(std::size_t row, std::size_t column) noexcept {
        return lines_[row * lines_per_row_ + column / kLineValues].values[column % kLineValues];
    }
    [[nodiscard]] const std::atomic<std::int64_t>& at(std::size_t row, std::size_t column) const noexcept {
        return lines_[row * lines_per_row_ + column / kLineValues].values[column % kLineValues];
    }

    std::vector<Histogram*> columns_;
    std::size_t lines_per_row_;
    std::vector<Line> lines_;
    std::atomic<std::size_t> finished_{0};    // rows
    std::atomic<std::uint64_t> settling_{0};  // even; odd while rows are put away (Lamport's version count)
};

}  // namespace sidetone::rt
