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

std::vector<LedgerLine> Ledger::lines() const {
    std::vector<LedgerLine> result;
    for (const auto& entry : entries_)
        result.push_back({entry.name, entry.histogram.distribution_us(), entry.budget_us});
    return result;
}

}  // namespace sidetone::engine
