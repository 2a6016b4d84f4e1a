// SPDX-License-Identifier: Apache-2.0
#include "rt/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace sidetone::rt {
namespace {

/// The value that `share` of all values do not exceed.
std::int64_t exact_value_at(const std::vector<std::int64_t>& sorted, double share) {
    const auto rank = std::max(std::ceil(share * static_cast<double>(sorted.size()) - 1e-6), 1.0);
    return sorted[static_cast<std::size_t>(rank) - 1];
}

TEST(Histogram, IsWithinOnePercentOfExactPercentiles) {
    std::mt19937_64 random(3);
    for (const double median_ns : {50.0, 3e3, 2e6, 1e9}) {
        std::lognormal_distribution<double> durations(std::log(median_ns), 1.0);
        Histogram histogram;
        std::vector<std::int64_t> values(20'000);
        for (auto& value : values) {
            value = static_cast<std::int64_t>(durations(random));
            histogram.record(value);
        }
        std::ranges::sort(values);
        for (const double share : {0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0}) {
            const auto exact = exact_value_at(values, share);
            EXPECT_GE(histogram.value_at(share), exact) << share;
            EXPECT_LE(static_cast<double>(histogram.value_at(share)), 1.01 * static_cast<double>(exact)) << share;
        }
        EXPECT_EQ(histogram.max_ns(), values.back());
        EXPECT_EQ(histogram.count(), values.size());
    }
}

TEST(Histogram, EveryValueAloneComesBackExact) {
    // The bucket's edge is clamped to the maximum, so one value is its own percentile.
    for (int bit = 0; bit < 36; ++bit) {
        for (const std::int64_t offset : {-1, 0, 1}) {
            const auto value = (std::int64_t{1} << bit) + offset;
            Histogram histogram;
            histogram.record(value);
            EXPECT_EQ(histogram.value_at(0.5), value);
        }
    }
}

TEST(Histogram, BucketsAreAtMostOnePercentWide) {
    for (std::int64_t value = 0; value < (std::int64_t{1} << 36); value += value / 97 + 1) {
        Histogram histogram;
        histogram.record(value);
        histogram.record((std::int64_t{1} << 36) - 1);
        ASSERT_GE(histogram.value_at(0.5), value);
        ASSERT_LE(static_cast<double>(histogram.value_at(0.5) - value), 0.01 * static_cast<double>(value));
    }
}

TEST(Histogram, ValuesOutsideTheRangeStillCount) {
    Histogram histogram;
    histogram.record(-5);
    EXPECT_EQ(histogram.value_at(0.5), 0);
    const std::int64_t day_ns = 86'400'000'000'000;
    histogram.record(day_ns);
    EXPECT_EQ(histogram.count(), 2U);
    EXPECT_EQ(histogram.max_ns(), day_ns);
    EXPECT_EQ(histogram.value_at(1.0), day_ns);
}

TEST(Histogram, EmptyIsZero) {
    const Histogram histogram;
    EXPECT_EQ(histogram.value_at(0.5), 0);
    EXPECT_EQ(histogram.distribution_us().count, 0U);
    EXPECT_EQ(histogram.distribution_us().max, 0);
}

TEST(Histogram, DistributionIsInMicroseconds) {
    Histogram histogram;
    for (int i = 1; i <= 1000; ++i) histogram.record(i * 1000);
    const auto us = histogram.distribution_us();
    EXPECT_NEAR(us.p50, 500, 5);
    EXPECT_NEAR(us.p95, 950, 9.5);
    EXPECT_NEAR(us.p99, 990, 9.9);
    EXPECT_NEAR(us.p999, 999, 9.99);
    EXPECT_EQ(us.max, 1000);
    EXPECT_EQ(us.count, 1000U);
    EXPECT_NEAR(us.mean, 500.5, 0.005 * 500.5);
}

TEST(Histogram, MeanIsWithinHalfAPercentOfTheExactOne) {
    EXPECT_EQ(Histogram{}.distribution_us().mean, 0);
    std::mt19937_64 random(4);
    for (const double median_ns : {50.0, 3e3, 2e6, 1e9}) {
        std::lognormal_distribution<double> durations(std::log(median_ns), 1.0);
        Histogram histogram;
        double sum_ns = 0;
        constexpr int kValues = 5'000;
        for (int i = 0; i < kValues; ++i) {
            const auto value = static_cast<std::int64_t>(durations(random));
            histogram.record(value);
            sum_ns += static_cast<double>(value);
        }
        const double exact_us = sum_ns / kValues / 1000;
        EXPECT_NEAR(histogram.distribution_us().mean, exact_us, 0.005 * exact_us) << median_ns;
    }
}

TEST(Histogram, AStallIsCountedInEveryCallItDelayed) {
    // 900 calls of 10 us, then a stall of 100 intervals. The calls it delayed would have waited 99, 98 … 1 intervals:
    // 999 or 1000 values, of which the 100 from the stall are spread evenly over (0, 100] intervals.
    constexpr std::int64_t kIntervalNs = 1'000'000;
    Histogram plain;
    Histogram corrected;
    for (int i = 0; i < 900; ++i) {
        plain.record(10'000);
        corrected.record_corrected(10'000, kIntervalNs);
    }
    plain.record(100 * kIntervalNs);
    corrected.record_corrected(100 * kIntervalNs, kIntervalNs);
    EXPECT_EQ(plain.count(), 901U);
    EXPECT_NEAR(static_cast<double>(plain.value_at(0.99)), 10'000, 100);
    EXPECT_EQ(corrected.count(), 1'000U);
    for (const double share : {0.91, 0.95, 0.99, 0.999}) {
        const double expected = (share * 1000 - 900) * static_cast<double>(kIntervalNs);
        EXPECT_NEAR(static_cast<double>(corrected.value_at(share)), expected, 0.01 * expected) << share;
    }
}

TEST(Histogram, ValuesBelowTwoIntervalsAreNotCorrected) {
    Histogram histogram;
    histogram.record_corrected(1'999, 1'000);
    EXPECT_EQ(histogram.count(), 1U);
    histogram.record_corrected(2'000, 1'000);
    EXPECT_EQ(histogram.count(), 3U);
    histogram.record_corrected(2'000, 0);
    EXPECT_EQ(histogram.count(), 4U);
}

TEST(Histogram, LongStallsAreCorrectedInBoundedStepsWithTheExactCount) {
    constexpr std::int64_t kIntervalNs = 100'000;
    constexpr std::int64_t kIntervals = 600'000;  // one minute
    Histogram histogram;
    histogram.record_corrected(kIntervals * kIntervalNs, kIntervalNs);
    EXPECT_EQ(histogram.count(), static_cast<std::uint64_t>(kIntervals));
    for (const double share : {0.25, 0.5, 0.75, 0.99}) {
        const double expected = share * static_cast<double>(kIntervals * kIntervalNs);
        EXPECT_NEAR(static_cast<double>(histogram.value_at(share)), expected, 0.011 * expected) << share;
    }
}

TEST(Histogram, AddingIsRecordingBoth) {
    Histogram both;
    Histogram first;
    Histogram second;
    std::mt19937_64 random(4);
    for (int i = 0; i < 5'000; ++i) {
        const auto value = std::uniform_int_distribution<std::int64_t>(0, 10'000'000)(random);
        both.record(value);
        (i % 3 == 0 ? first : second).record(value);
    }
    first.add(second);
    EXPECT_EQ(first.count(), both.count());
    EXPECT_EQ(first.max_ns(), both.max_ns());
    for (const double share : {0.1, 0.5, 0.9, 0.99}) EXPECT_EQ(first.value_at(share), both.value_at(share));
    first.reset();
    EXPECT_EQ(first.count(), 0U);
    EXPECT_EQ(first.max_ns(), 0);
    EXPECT_EQ(first.value_at(0.5), 0);
}

TEST(Histogram, MayBeReadWhileAnotherThreadRecords) {
    constexpr std::uint64_t kValues = 200'000;
    Histogram histogram;
    std::thread recorder([&] {
        for (std::uint64_t i = 0; i < kValues; ++i) histogram.record(5'000 + static_cast<std::int64_t>(i % 100));
    });
    std::uint64_t last = 0;
    bool is_sane = true;
    while (last < kValues) {
        const auto us = histogram.distribution_us();
        is_sane = is_sane && us.count >= last && us.max <= 5.1 && (us.count == 0 || us.p50 >= 5);
        last = us.count;
    }
    recorder.join();
    EXPECT_TRUE(is_sane);
    EXPECT_EQ(histogram.count(), kValues);
}

}  // namespace
}  // namespace sidetone::rt
