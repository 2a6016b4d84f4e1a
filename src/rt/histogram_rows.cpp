// SPDX-License-Identifier: Apache-2.0
#include "rt/histogram_rows.hpp"

#include <algorithm>

namespace sidetone::rt {

HistogramRows::HistogramRows(std::vector<Histogram*> columns)
    : columns_(std::move(columns)),
      lines_per_row_((columns_.size() + kLineValues - 1) / kLineValues),
      lines_(kRows * lines_per_row_) {}

void HistogramRows::settle() noexcept {
    settling_.fetch_add(1, std::memory_order_acq_rel);
    const auto finished = finished_.load(std::memory_order_relaxed);
    for (std::size_t column = 0; column < columns_.size(); ++column) {
        for (std::size_t row = 0; row < finished; ++row)
            columns_[column]->record(at(row, column).load(std::memory_order_relaxed));
    }
    finished_.store(0, std::memory_order_release);
    settling_.fetch_add(1, std::memory_order_release);
}

std::size_t HistogramRows::column_of(const Histogram& histogram) const noexcept {
    return static_cast<std::size_t>(std::ranges::find(columns_, &histogram) - columns_.begin());
}

bool HistogramRows::has(const Histogram& histogram) const noexcept {
    return column_of(histogram) < columns_.size();
}

// Buckets and rows that are written while rows are put away, or after it, are released, and acquired here: who has read
// any of them finds another count at the end.
Distribution HistogramRows::distribution_us(const Histogram& histogram) const noexcept {
    const auto column = column_of(histogram);
    while (true) {
        const auto before = settling_.load(std::memory_order_acquire);
        Histogram seen;
        seen.add(histogram);
        const auto finished = finished_.load(std::memory_order_acquire);
        for (std::size_t row = 0; row < finished; ++row) seen.record(at(row, column).load(std::memory_order_acquire));
        if (before % 2 == 0 && settling_.load(std::memory_order_acquire) == before) return seen.distribution_us();
    }
}

}  // namespace sidetone::rt
