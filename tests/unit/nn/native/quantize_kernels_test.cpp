// SPDX-License-Identifier: Apache-2.0
#include "nn/native/quantize_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace sidetone::nn::native {
namespace {

TEST(ScaleSums, CutsAtTheLowerBound) {
    for (std::size_t count = 1; count < 40; ++count) {
        std::vector<std::int32_t> sums(count);
        for (std::size_t i = 0; i < count; ++i) sums[i] = static_cast<std::int32_t>(i % 7) - 3;
        const std::vector<float> scales(count, 0.5F);
        const std::vector<float> shifts(count, 0.25F);
        for (const float lower_bound : {-std::numeric_limits<float>::infinity(), 0.0F}) {
            std::vector<float> out(count + 1, 1234.0F);
            scale_sums(sums.data(), count, scales.data(), 2.0F, shifts.data(), lower_bound, out.data());
            EXPECT_EQ(out.back(), 1234.0F);
            for (std::size_t i = 0; i < count; ++i) {
                ASSERT_EQ(out[i], std::max(static_cast<float>(sums[i]) + 0.25F, lower_bound)) << i << " of " << count;
            }
        }
    }
}

// In whole vectors and in what is left behind them.
TEST(ScaleSums, WhatIsNoNumberStaysNone) {
    constexpr std::size_t kCount = 37;
    const std::vector<std::int32_t> sums(kCount, 0);
    const std::vector<float> scales(kCount, 1.0F);
    const std::vector<float> shifts(kCount, 0.0F);
    for (const float lower_bound : {-std::numeric_limits<float>::infinity(), 0.0F}) {
        std::vector<float> out(kCount, 0.0F);
        scale_sums(sums.data(), kCount, scales.data(), std::numeric_limits<float>::infinity(), shifts.data(),
                   lower_bound, out.data());
        for (const auto value : out) EXPECT_TRUE(std::isnan(value));
    }
}

}  // namespace
}  // namespace sidetone::nn::native
