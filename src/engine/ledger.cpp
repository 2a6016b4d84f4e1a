// SPDX-License-Identifier: Apache-2.0
#include "engine/ledger.hpp"

namespace sidetone::engine {

rt::Histogram& Ledger::line(const std::string& name, double budget_us) {
    for (auto& entry : entries_) {
        if (entry.name == name) return entry.histogram;
    }
    auto& entry = entries_.emplace_back();
    entry.name = name;
    entry.budget_us = budget_us;
    return entry.histogram;
}

rt::HistogramRows& Ledger::rows(const std::vector<rt::Histogram*>& lines) {
    settle();
    return rows_.emplace(lines);
}

void Ledger::settle() noexcept {
    if (rows_) rows_->settle();
}

std::vector<LedgerLine> Ledger::lines() const {
    std::vector<LedgerLine> result;
    for (const auto& entry : entries_) {
        const bool is_in_rows = rows_ && rows_->has(entry.histogram);
        result.push_back({entry.name,
                          is_in_rows ? rows_->distribution_us(entry.histogram) : entry.histogram.distribution_us(),
                          entry.budget_us});
    }
    return result;
}

}  // namespace sidetone::engine
