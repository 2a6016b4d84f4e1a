// SPDX-License-Identifier: Apache-2.0
#include "nn/native/normalization_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace sidetone::nn::native {
namespace {

std::vector<float> noise(std::mt19937& random, std::size_t count, float mean, float deviation) {
    std::normal_distribution<float> normal{mean, deviation};
    std::vector<float> values(count);
    for (auto& value : values) value = normal(random);
    return values;
}

struct Exact {
    long double mean = 0, scale = 0;
};

Exact exact_statistics(const std::vector<float>& x, float epsilon) {
    long double sum = 0;
    for (const auto value : x) sum += static_cast<long double>(value);
    Exact exact{.mean = sum / static_cast<long double>(x.size())};
    long double squares = 0;
    for (const auto value : x) {
        const auto away = static_cast<long double>(value) - exact.mean;
        squares += away * away;
    }
    exact.scale = 1 / std::sqrt(squares / static_cast<long double>(x.size()) + static_cast<long double>(epsilon));
    return exact;
}

// Far from zero, where a difference of squares in single precision has no digit left.
TEST(NormalizationKernels, StatisticsAreThoseOfMorePrecision) {
    std::mt19937 random{3};
    for (std::size_t count = 1; count < 300; ++count) {
        const auto x = noise(random, count, count % 2 == 0 ? 0.0F : 1000.0F, 0.5F);
        const auto exact = exact_statistics(x, 1e-5F);
        const auto row = row_statistics(x.data(), count, 1e-5F);
        ASSERT_NEAR(row.mean, static_cast<double>(exact.mean), 1e-6 * std::abs(static_cast<double>(exact.mean)) + 1e-7);
        ASSERT_NEAR(row.inverse_deviation, static_cast<double>(exact.scale), 1e-6 * static_cast<double>(exact.scale))
            << count;
    }
}

TEST(NormalizationKernels, RowsGetTheirColumnsScalesAndBiases) {
    std::mt19937 random{4};
    const RowStatistics row{.mean = 0.25F, .inverse_deviation = 3.0F};
    for (std::size_t count = 1; count < 70; ++count) {
        const auto x = noise(random, count, 0.0F, 1.0F);
        const auto factors = noise(random, count, 1.0F, 0.5F);
        const auto shifts = noise(random, count, 0.0F, 1.0F);
        for (const bool has_shifts : {false, true}) {
            std::vector<float> y(count + 1, 1234.0F);
            normalise_row(row, factors.data(), has_shifts ? shifts.data() : nullptr, x.data(), y.data(), count);
            EXPECT_EQ(y.back(), 1234.0F);
            for (std::size_t i = 0; i < count; ++i) {
                const auto expected =
                    (x[i] - row.mean) * row.inverse_deviation * factors[i] + (has_shifts ? shifts[i] : 0.0F);
                ASSERT_NEAR(y[i], expected, 5e-6) << i << " of " << count;
            }
        }
    }
}

}  // namespace
}  // namespace sidetone::nn::native
