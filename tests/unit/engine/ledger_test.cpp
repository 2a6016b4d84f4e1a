// SPDX-License-Identifier: Apache-2.0
#include "engine/ledger.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sidetone::engine {
namespace {

TEST(Ledger, LineOfAKnownNameIsFoundAgainWithItsCounts) {
    Ledger ledger;
    ledger.line("callback", 100).record(1000);
    ledger.line("other", 0).record(5);
    ledger.line("callback", 100).record(2000);
    EXPECT_EQ(&ledger.line("callback", 100), &ledger.line("callback", 100));
    ASSERT_EQ(ledger.lines().size(), 2U);
    EXPECT_EQ(ledger.lines()[0].us.count, 2U);
}

TEST(Ledger, LinesKeepTheirAddressesWhenOthersAreMade) {
    Ledger ledger;
    std::vector<rt::Histogram*> made;
    for (int i = 0; i < 200; ++i) made.push_back(&ledger.line("line " + std::to_string(i), 0));
    for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(made[static_cast<std::size_t>(i)], &ledger.line("line " + std::to_string(i), 0));
    }
}

TEST(Ledger, LinesComeInTheOrderTheyWereMadeInWithTheirBudgets) {
    Ledger ledger;
    (void)ledger.line("b", 10);
    (void)ledger.line("a", 20.5);
    const auto lines = ledger.lines();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].name, "b");
    EXPECT_EQ(lines[0].budget_us, 10);
    EXPECT_EQ(lines[1].name, "a");
    EXPECT_EQ(lines[1].budget_us, 20.5);
}

// 1, 2 … 1000 us: the quantile of share q is 1000 q, within the histogram's 1 %.
TEST(Ledger, DistributionIsThatOfWhatWasRecordedInMicroseconds) {
    Ledger ledger;
    auto& line = ledger.line("callback", 0);
    for (std::int64_t us = 1; us <= 1000; ++us) line.record(us * 1000);
    const auto found = ledger.lines().front().us;
    EXPECT_EQ(found.count, 1000U);
    EXPECT_NEAR(found.p50, 500, 6);
    EXPECT_NEAR(found.p95, 950, 11);
    EXPECT_NEAR(found.p99, 990, 11);
    EXPECT_NEAR(found.p999, 999, 11);
    EXPECT_EQ(found.max, 1000);
}

TEST(Ledger, RowsAreInTheLinesFromTheMomentTheyAreFinished) {
    Ledger ledger;
    auto& first = ledger.line("first", 0);
    auto& second = ledger.line("second", 0);
    auto* rows = &ledger.rows({&first, &second});
    for (std::uint64_t row = 1; row <= 40; ++row) {
        rows->begin_row();
        rows->set(0, 1000);
        rows->set(1, 2000);
        rows->finish_row();
        for (const auto& line : ledger.lines()) EXPECT_EQ(line.us.count, row) << line.name;
    }
    rows = &ledger.rows({&second});
    EXPECT_EQ(first.count(), 40U) << "what the earlier rows held is in the histograms";
    rows->begin_row();
    rows->set(0, 2000);
    rows->finish_row();
    EXPECT_EQ(ledger.lines()[0].us.count, 40U);
    EXPECT_EQ(ledger.lines()[1].us.count, 41U);
    EXPECT_NEAR(ledger.lines()[1].us.p50, 2, 0.02);
}

TEST(Ledger, BudgetIsHeldAgainstTheNinetyNinthPercentile) {
    LedgerLine line{.name = "callback", .us = {.p50 = 1, .p95 = 2, .p99 = 100, .p999 = 300, .max = 500, .count = 9}};
    EXPECT_TRUE(line.is_within_budget()) << "no budget: nothing to exceed";
    line.budget_us = 100;
    EXPECT_TRUE(line.is_within_budget());
    line.budget_us = 99;
    EXPECT_FALSE(line.is_within_budget());
}

}  // namespace
}  // namespace sidetone::engine
