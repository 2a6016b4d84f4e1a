// SPDX-License-Identifier: Apache-2.0
#include "dsp/linear_prediction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "unit/dsp/signals.hpp"

namespace sidetone::dsp {
namespace {

/// Burg's recursion as it is defined.
std::vector<double> reference(const std::vector<double>& x, std::size_t order) {
    std::vector<double> f = x, b = x, a{1};
    for (std::size_t m = 1; m <= order; ++m) {
        double products = 0, squares = 0;
        for (std::size_t n = m; n < x.size(); ++n) {
            products += f[n] * b[n - 1];
            squares += f[n] * f[n] + b[n - 1] * b[n - 1];
        }
        const double k = -2 * products / squares;
        const auto old_f = f, old_b = b, old_a = a;
        for (std::size_t n = m; n < x.size(); ++n) {
            f[n] = old_f[n] + k * old_b[n - 1];
            b[n] = old_b[n - 1] + k * old_f[n];
        }
        a.push_back(0);
        for (std::size_t n = 1; n <= m; ++n) a[n] += k * old_a[m - n];
    }
    return a;
}

TEST(LinearPrediction, IsBurgsRecursion) {
    for (const std::size_t length : {50U, 551U, 800U}) {
        const auto noise = test::white_noise(length, 2);
        std::vector<double> x(noise.begin(), noise.end());
        for (std::size_t n = 2; n < length; ++n) x[n] += 1.6 * x[n - 1] - 0.8 * x[n - 2];
        for (const std::size_t order : {1U, 2U, 10U, 16U}) {
            LinearPrediction prediction(length, order);
            prediction.analyse(x);
            const auto expected = reference(x, order);
            for (std::size_t k = 0; k <= order; ++k) EXPECT_NEAR(prediction.coefficients()[k], expected[k], 1e-9);
        }
    }
}

TEST(LinearPrediction, FindsTheFilterThatMadeASound) {
    const auto noise = test::white_noise(20'000, 2);
    std::vector<double> x(noise.begin(), noise.end());
    for (std::size_t n = 2; n < x.size(); ++n) x[n] += 1.6 * x[n - 1] - 0.8 * x[n - 2];
    LinearPrediction prediction(x.size(), 2);
    prediction.analyse(x);
    EXPECT_NEAR(prediction.coefficients()[1], -1.6, 0.02);
    EXPECT_NEAR(prediction.coefficients()[2], 0.8, 0.02);
    // r(0) of this process: 1 + a2 over (1 - a2) ((1 + a2)² - a1²).
    EXPECT_NEAR(prediction.gain(), 1.8 / (0.2 * (1.8 * 1.8 - 1.6 * 1.6)), 1);
}

TEST(LinearPrediction, OfSilenceIsNothing) {
    LinearPrediction prediction(100, 4);
    prediction.analyse(std::vector<double>(100));
    EXPECT_EQ(prediction.coefficients()[0], 1);
    for (std::size_t k = 1; k <= 4; ++k) EXPECT_EQ(prediction.coefficients()[k], 0);
    EXPECT_EQ(prediction.gain(), 1);
    EXPECT_THROW(LinearPrediction(4, 4), std::invalid_argument);
}

}  // namespace
}  // namespace sidetone::dsp
