// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "rt/histogram.hpp"
#include "rt/histogram_rows.hpp"
#include "rt/realtime.hpp"

namespace sidetone::engine {

/// One line of the ledger: how long a part of the way of a block took.
struct LedgerLine {
    std::string name;
    rt::Distribution us;
    double budget_us = 0;  ///< 0: none
    [[nodiscard]] bool is_within_budget() const noexcept { return budget_us == 0 || us.p99 <= budget_us; }
};

/// Accounts for the time of every block: one histogram per part, recorded by the audio thread, read by anyone. Lines
/// are made by the control thread before sound starts, and their addresses stay.
class Ledger {
public:
    /// Control thread. The line that `record` takes; a line of that name that exists is found again, with its counts.
    [[nodiscard]] rt::Histogram& line(const std::string& name, double budget_us);

    /// Control thread, while no sound runs. What records a row of these lines a block, and alone records into them. It
    /// lasts until the next call, or as long as the ledger; what it holds by then is put into its lines.
    [[nodiscard]] rt::HistogramRows& rows(const std::vector<rt::Histogram*>& lines);

    /// Puts what the rows hold into the lines: for who reads those themselves. The recording thread's, or any while it
    /// does not record.
    void settle() noexcept SIDETONE_REALTIME;

    [[nodiscard]] std::vector<LedgerLine> lines() const;

private:
    struct Entry {
        std::string name;
        double budget_us = 0;
        rt::Histogram histogram;
    };
    std::deque<Entry> entries_;
    std::optional<rt::HistogramRows> rows_;
};

}  // namespace sidetone::engine
