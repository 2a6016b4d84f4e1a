// SPDX-License-Identifier: Apache-2.0
#include "rt/histogram_rows.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace sidetone::rt {
namespace {

void expect_same(const Distribution& found, const Distribution& expected) {
    EXPECT_EQ(found.count, expected.count);
    EXPECT_EQ(found.p50, expected.p50);
    EXPECT_EQ(found.p99, expected.p99);
    EXPECT_EQ(found.max, expected.max);
}

TEST(HistogramRows, AnyNumberOfRowsIsWhatTheHistogramsWouldHaveRecorded) {
    std::mt19937_64 random(5);
    std::lognormal_distribution<double> durations(9, 2);
    constexpr std::size_t kColumns = 10;  // more than a cache line has
    std::vector<Histogram> in_rows(kColumns), expected(kColumns);
    std::vector<Histogram*> columns;
    for (auto& histogram : in_rows) columns.push_back(&histogram);
    HistogramRows rows{columns};
    for (int row = 0; row < 100; ++row) {
        rows.begin_row();
        for (std::size_t column = 0; column < kColumns; ++column) {
            const auto value = static_cast<std::int64_t>(durations(random));
            rows.set(column, value);
            expected[column].record(value);
        }
        rows.finish_row();
        for (std::size_t column = 0; column < kColumns; ++column)
            expect_same(rows.distribution_us(in_rows[column]), expected[column].distribution_us());
    }
    rows.settle();
    for (std::size_t column = 0; column < kColumns; ++column)
        expect_same(in_rows[column].distribution_us(), expected[column].distribution_us());
}

TEST(HistogramRows, ARowIsNotSeenBeforeItIsFinished) {
    Histogram histogram, stranger;
    HistogramRows rows{{&histogram}};
    rows.begin_row();
    rows.set(0, 500);
    EXPECT_EQ(rows.distribution_us(histogram).count, 0U);
    rows.finish_row();
    EXPECT_EQ(rows.distribution_us(histogram).count, 1U);
    EXPECT_TRUE(rows.has(histogram));
    EXPECT_FALSE(rows.has(stranger));
}

// ThreadSanitizer's, too.
TEST(HistogramRows, AReaderNeverSeesMoreOrFewerThanWereFinished) {
    constexpr std::uint64_t kRows = 20'000;
    Histogram histogram;
    HistogramRows rows{{&histogram}};
    std::atomic<std::uint64_t> begun{0}, finished{0};
    std::thread recorder{[&] {
        for (std::uint64_t row = 1; row <= kRows; ++row) {
            begun.store(row, std::memory_order_seq_cst);
            rows.begin_row();
            rows.set(0, static_cast<std::int64_t>(row));
            rows.finish_row();
            finished.store(row, std::memory_order_seq_cst);
            if (row % 11 == 0) std::this_thread::sleep_for(std::chrono::microseconds{50});
        }
    }};
    while (finished.load() < kRows) {
        const auto least = finished.load(std::memory_order_seq_cst);
        const auto seen = rows.distribution_us(histogram).count;
        const auto most = begun.load(std::memory_order_seq_cst);
        EXPECT_GE(seen, least);
        EXPECT_LE(seen, most);
        if (testing::Test::HasFailure()) break;
    }
    recorder.join();
    EXPECT_EQ(rows.distribution_us(histogram).count, kRows);
}

}  // namespace
}  // namespace sidetone::rt
