// SPDX-License-Identifier: Apache-2.0
#include "nn/native/reduction_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace sidetone::nn::native {
namespace {

double expected(Reduction kind, const std::vector<double>& values) {
    if (kind == Reduction::maximum) return *std::ranges::max_element(values);
    if (kind == Reduction::minimum) return *std::ranges::min_element(values);
    double sum = 0;
    for (const auto value : values) sum += value;
    return kind == Reduction::mean ? sum / static_cast<double>(values.size()) : sum;
}

class ReductionKernel : public testing::TestWithParam<Reduction> {};

TEST_P(ReductionKernel, OfRandomShapesIsThatOfDoublePrecision) {
    std::mt19937 random{9};
    std::uniform_real_distribution<float> uniform{-1.0F, 1.0F};
    for (int trial = 0; trial < 300; ++trial) {
        const std::size_t outer = 1 + random() % 4;
        const std::size_t reduced = 1 + random() % 150;
        const std::size_t inner = trial % 2 == 0 ? 1 : 1 + random() % 50;
        std::vector<float> x(outer * reduced * inner);
        for (auto& value : x) value = uniform(random);
        std::vector<float> out(outer * inner + 1, 1234.0F);
        reduce(GetParam(), x.data(), outer, reduced, inner, out.data());
        EXPECT_EQ(out.back(), 1234.0F);
        for (std::size_t at = 0; at < outer * inner; ++at) {
            std::vector<double> values;
            for (std::size_t r = 0; r < reduced; ++r) {
                values.push_back(static_cast<double>(x[(at / inner * reduced + r) * inner + at % inner]));
            }
            ASSERT_NEAR(out[at], expected(GetParam(), values), 1e-5) << reduced << " by " << inner;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ReductionKernel,
                         testing::Values(Reduction::sum, Reduction::mean, Reduction::maximum, Reduction::minimum));

}  // namespace
}  // namespace sidetone::nn::native
