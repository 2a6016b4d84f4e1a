// SPDX-License-Identifier: Apache-2.0
#include "dsp/deltas.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "rt/guard.hpp"
#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

using Column = std::vector<double>;

/// Σ j x[t + j] / Σ j² where all of it is given.
Column slopes(const Column& x, std::int64_t window) {
    Column result;
    double squares = 0;
    for (std::int64_t j = -window; j <= window; ++j) squares += static_cast<double>(j * j);
    for (auto t = window; t + window < static_cast<std::int64_t>(x.size()); ++t) {
        double sum = 0;
        for (std::int64_t j = -window; j <= window; ++j)
            sum += static_cast<double>(j) * x[static_cast<std::size_t>(t + j)];
        result.push_back(sum / squares);
    }
    return result;
}

/// All rows that Deltas makes of `count` rows of `columns` values.
std::vector<float> rows_of(const Deltas::Design& design, const std::vector<float>& values) {
    Deltas deltas(design);
    std::vector<float> rows;
    const auto keep = [&](std::size_t made) {
        const auto latest = deltas.last(made);
        rows.insert(rows.end(), latest.begin(), latest.end());
    };
    for (std::size_t n = 0; n < values.size(); n += design.columns) {
        keep(deltas.push(std::span(values).subspan(n, design.columns)) ? 1 : 0);
    }
    keep(deltas.finish());
    return rows;
}

TEST(Deltas, AreRegressionsOverRowsWhoseEndsAreRepeated) {
    for (const std::size_t window : {1U, 2U, 5U}) {
        for (const std::size_t count : {1U, 2U, 9U, 40U}) {
            const auto values = test::white_noise(3 * count, 7, 20);
            const auto rows = rows_of({.columns = 3, .window = window}, values);
            ASSERT_EQ(rows.size(), count * 9);
            for (std::size_t column = 0; column < 3; ++column) {
                Column x(count + 4 * window);
                for (std::size_t n = 0; n < x.size(); ++n) {
                    const auto t = std::min(count - 1, n - std::min(n, 2 * window));
                    x[n] = static_cast<double>(values[3 * t + column]);
                }
                const auto first = slopes(x, static_cast<std::int64_t>(window));
                const auto second = slopes(first, static_cast<std::int64_t>(window));
                for (std::size_t t = 0; t < count; ++t) {
                    ASSERT_EQ(rows[9 * t + column], values[3 * t + column]);
                    ASSERT_NEAR(rows[9 * t + 3 + column], first[t + window], 1e-5);
                    ASSERT_NEAR(rows[9 * t + 6 + column], second[t], 1e-5);
                }
            }
        }
    }
}

TEST(Deltas, OfALineAreItsSlopeAndThenNothing) {
    std::vector<float> line;
    for (int t = 0; t < 20; ++t) line.push_back(0.5F * static_cast<float>(t) + 3);
    const auto rows = rows_of({.columns = 1}, line);
    for (std::size_t t = 4; t < 16; ++t) {
        EXPECT_NEAR(rows[3 * t + 1], 0.5, 1e-6);
        EXPECT_NEAR(rows[3 * t + 2], 0, 1e-6);
    }
}

TEST(Deltas, ComeAfterTheRowsThatTheyNeed) {
    Deltas deltas({.columns = 2});
    EXPECT_EQ(deltas.delay_rows(), 4U);
    const std::vector<float> row{1, 2};
    for (int turn = 0; turn < 2; ++turn) {
        for (int t = 0; t < 4; ++t) EXPECT_FALSE(deltas.push(row));
        EXPECT_TRUE(deltas.push(row));
        EXPECT_EQ(deltas.finish(), 4U);
        EXPECT_EQ(deltas.rows(), 5U);
        deltas.reset();
        EXPECT_EQ(deltas.rows(), 0U);
        EXPECT_EQ(deltas.finish(), 0U);
    }
}

TEST(Deltas, MakeNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    Deltas deltas({});
    const std::vector<float> row(13, 1.0F);
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        for (int t = 0; t < 1000; ++t) deltas.push(row);
        deltas.finish();
    }
    EXPECT_EQ(deltas.rows(), 1000U);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

TEST(Deltas, RefuseDesignsThatCannotBe) {
    EXPECT_THROW(Deltas({.columns = 0}), std::invalid_argument);
    EXPECT_THROW(Deltas({.window = 0}), std::invalid_argument);
    EXPECT_THROW(Deltas({.order = 5}), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
