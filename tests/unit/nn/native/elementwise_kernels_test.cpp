// SPDX-License-Identifier: Apache-2.0
#include "nn/native/elementwise_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace sidetone::nn::native {
namespace {

constexpr auto kInfinity = std::numeric_limits<float>::infinity();
constexpr auto kNaN = std::numeric_limits<float>::quiet_NaN();

// Both signs, from where a function is its argument to where it has reached its limit.
std::vector<float> magnitudes() {
    std::vector<float> values{0.0F};
    for (float v = 1e-6F; v < 100.0F; v *= 1.003F) {
        values.push_back(v);
        values.push_back(-v);
    }
    return values;
}

template <class Function>
double largest_relative_error(Unary f, const std::vector<float>& x, Function exact) {
    std::vector<float> out(x.size());
    apply_unary(f, 0, 0, x.data(), out.data(), x.size());
    double largest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = exact(static_cast<double>(x[i]));
        if (expected != 0) largest = std::max(largest, std::abs(static_cast<double>(out[i]) / expected - 1));
    }
    return largest;
}

TEST(ElementwiseKernels, TanhIsWithinItsStatedError) {
    EXPECT_LT(largest_relative_error(Unary::tanh, magnitudes(), [](double v) { return std::tanh(v); }), 3e-7);
}

TEST(ElementwiseKernels, SigmoidIsWithinAMillionth) {
    std::vector<float> x;
    for (const float v : magnitudes()) {
        if (std::abs(v) < 80) x.push_back(v);
    }
    EXPECT_LT(largest_relative_error(Unary::sigmoid, x, [](double v) { return 1 / (1 + std::exp(-v)); }), 1e-6);
}

TEST(ElementwiseKernels, LimitsAreReachedAndNoNumberStaysNone) {
    const float x[] = {kInfinity, -kInfinity, kNaN};
    float out[3];
    apply_unary(Unary::tanh, 0, 0, x, out, 3);
    EXPECT_NEAR(out[0], 1, 3e-7);
    EXPECT_NEAR(out[1], -1, 3e-7);
    EXPECT_TRUE(std::isnan(out[2]));
}

}  // namespace
}  // namespace sidetone::nn::native
