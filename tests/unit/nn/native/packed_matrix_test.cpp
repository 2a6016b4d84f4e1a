// SPDX-License-Identifier: Apache-2.0
#include "nn/native/packed_matrix.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace sidetone::nn::native {
namespace {

struct Case {
    std::size_t rows, inner, count;
};

// Every tail: rows around a panel's and a vector's size, counts around those that are multiplied together.
constexpr Case kCases[] = {{1, 1, 1},   {5, 3, 2},    {16, 16, 33}, {17, 8, 3},   {24, 7, 5},   {48, 1, 4},
                           {63, 13, 1}, {64, 192, 3}, {65, 2, 6},   {128, 64, 1}, {257, 31, 1}, {258, 129, 4}};

class PackedMatrixProduct : public testing::TestWithParam<bool> {};

TEST_P(PackedMatrixProduct, IsThatOfDoublePrecision) {
    const bool rows_are_neighbours = GetParam();
    std::mt19937 random{7};
    std::uniform_real_distribution<float> uniform{-1.0F, 1.0F};
    for (const auto& c : kCases) {
        const auto stride = c.inner + 3;
        std::vector<float> weights(c.rows * c.inner);
        std::vector<float> bias(c.rows);
        std::vector<float> x((c.count - 1) * stride + c.inner);
        for (auto* values : {&weights, &bias, &x}) {
            for (auto& value : *values) value = uniform(random);
        }
        const PackedMatrix matrix{c.rows, c.inner, bias,
                                  [&](std::size_t row, std::size_t k) { return weights[row * c.inner + k]; }};
        constexpr float kUntouched = 1234.0F;
        std::vector<float> out(c.rows * c.count + 1, kUntouched);
        const OutputVectors places =
            rows_are_neighbours ? OutputVectors{out.data(), 1, c.rows} : OutputVectors{out.data(), c.count, 1};
        matrix.multiply({x.data(), stride, c.count}, places);
        for (std::size_t v = 0; v < c.count; ++v) {
            for (std::size_t row = 0; row < c.rows; ++row) {
                auto expected = static_cast<double>(bias[row]);
                for (std::size_t k = 0; k < c.inner; ++k) {
                    expected +=
                        static_cast<double>(weights[row * c.inner + k]) * static_cast<double>(x[v * stride + k]);
                }
                const auto found = out[row * places.row_step + v * places.vector_step];
                ASSERT_NEAR(found, expected, 1e-5 * std::sqrt(static_cast<double>(c.inner)))
                    << c.rows << "x" << c.inner << " row " << row << " vector " << v;
            }
        }
        EXPECT_EQ(out.back(), kUntouched);
    }
}

INSTANTIATE_TEST_SUITE_P(Layouts, PackedMatrixProduct, testing::Bool());

TEST(PackedMatrix, WithoutBiasAddsNone) {
    const PackedMatrix matrix{3, 2, {}, [](std::size_t row, std::size_t k) { return static_cast<float>(row + k); }};
    const float x[] = {1.0F, 10.0F};
    float out[3];
    matrix.multiply({x, 2, 1}, {out, 1, 3});
    EXPECT_EQ(out[0], 10.0F);
    EXPECT_EQ(out[1], 21.0F);
    EXPECT_EQ(out[2], 32.0F);
}

}  // namespace
}  // namespace sidetone::nn::native
