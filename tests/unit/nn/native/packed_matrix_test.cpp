// SPDX-License-Identifier: Apache-2.0
#include "nn/native/packed_matrix.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <limits>
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

struct Product {
    std::size_t stride;
    std::vector<float> weights, bias, x;
};

Product random_product(const Case& c, std::mt19937& random) {
    std::uniform_real_distribution<float> uniform{-1.0F, 1.0F};
    const auto stride = c.inner + 3;
    Product made{stride, std::vector<float>(c.rows * c.inner), std::vector<float>(c.rows),
                 std::vector<float>((c.count - 1) * stride + c.inner)};
    for (auto* values : {&made.weights, &made.bias, &made.x}) {
        for (auto& value : *values) value = uniform(random);
    }
    return made;
}

/// `held`: the weights as the matrix has them.
void expect_product(const PackedMatrix& matrix, const Case& c, const Product& p, const std::vector<float>& held,
                    bool rows_are_neighbours, double tolerance) {
    constexpr float kUntouched = 1234.0F;
    std::vector<float> out(c.rows * c.count + 1, kUntouched);
    const OutputVectors places =
        rows_are_neighbours ? OutputVectors{out.data(), 1, c.rows} : OutputVectors{out.data(), c.count, 1};
    matrix.multiply({p.x.data(), p.stride, c.count}, places);
    for (std::size_t v = 0; v < c.count; ++v) {
        for (std::size_t row = 0; row < c.rows; ++row) {
            auto expected = static_cast<double>(p.bias[row]);
            for (std::size_t k = 0; k < c.inner; ++k) {
                expected += static_cast<double>(held[row * c.inner + k]) * static_cast<double>(p.x[v * p.stride + k]);
            }
            const auto found = out[row * places.row_step + v * places.vector_step];
            ASSERT_NEAR(found, expected, tolerance) << c.rows << "x" << c.inner << " row " << row << " vector " << v;
        }
    }
    EXPECT_EQ(out.back(), kUntouched);
}

class PackedMatrixProduct : public testing::TestWithParam<bool> {};

TEST_P(PackedMatrixProduct, IsThatOfDoublePrecision) {
    const bool rows_are_neighbours = GetParam();
    std::mt19937 random{7};
    for (const auto& c : kCases) {
        const auto p = random_product(c, random);
        const PackedMatrix matrix{c.rows, c.inner, p.bias,
                                  [&](std::size_t row, std::size_t k) { return p.weights[row * c.inner + k]; }};
        expect_product(matrix, c, p, p.weights, rows_are_neighbours, 1e-5 * std::sqrt(static_cast<double>(c.inner)));
    }
}

INSTANTIATE_TEST_SUITE_P(Layouts, PackedMatrixProduct, testing::Bool());

// By the definition: of the two neighbours among the multiples of the row's step the nearer one, of two as near the
// even one; at the end of the range the last.
float nearest_in_row(float value, float largest) {
    int exponent = 0;
    (void)std::frexp(largest, &exponent);
    const auto in_steps = std::ldexp(static_cast<double>(value), 23 - exponent);
    const auto below = std::floor(in_steps);
    const auto rest = in_steps - below;
    const bool is_odd = std::fmod(below, 2.0) != 0;
    const auto number = below + (rest > 0.5 || (rest == 0.5 && is_odd) ? 1 : 0);
    const auto bounded = std::min(std::max(number, -8388607.0), 8388607.0);
    return static_cast<float>(std::ldexp(bounded, exponent - 23));
}

std::size_t rows_of_whole_panels(std::size_t rows) {
    return (rows + 15) / 64 * 64;
}

// Rounded where the row lies in a whole panel.
std::vector<float> rounded(const std::vector<float>& weights, const Case& c) {
    auto made = weights;
    for (std::size_t row = 0; row < std::min(c.rows, rows_of_whole_panels(c.rows)); ++row) {
        float largest = 0;
        for (std::size_t k = 0; k < c.inner; ++k) largest = std::max(largest, std::abs(weights[row * c.inner + k]));
        for (std::size_t k = 0; k < c.inner; ++k) {
            auto& value = made[row * c.inner + k];
            value = nearest_in_row(value, largest);
        }
    }
    return made;
}

// Whole panels, parts of one at the end, and too few rows for any.
constexpr Case kRoundedCases[] = {{64, 1, 1},   {63, 13, 2},  {64, 192, 3}, {65, 2, 6},  {128, 64, 4},
                                  {257, 31, 1}, {512, 97, 5}, {250, 7, 7},  {112, 9, 1}, {40, 5, 3}};

class RoundedMatrixProduct : public testing::TestWithParam<std::int64_t> {
protected:
    RoundedMatrixProduct() { use_only(GetParam()); }
    ~RoundedMatrixProduct() override { use_only(0); }

private:
    // 0: all that the processor has.
    static void use_only(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
};

// With one input of 1 and the others 0 a product is the weight itself.
void expect_rounded_and_in_place(const Case& c, const std::vector<float>& weights) {
    PackedMatrix matrix{
        c.rows, c.inner, {}, [&](std::size_t row, std::size_t k) { return weights[row * c.inner + k]; }};
    const auto before = matrix.bytes();
    matrix.round_weights();
    const auto whole = rows_of_whole_panels(c.rows);
    EXPECT_EQ(matrix.weight_type(), whole > 0 ? "int24" : "float32");
    EXPECT_EQ(before + whole * sizeof(float) - matrix.bytes(), whole * c.inner);
    const auto expected = rounded(weights, c);
    for (std::size_t k = 0; k < c.inner; ++k) {
        std::vector<float> x(c.inner);
        std::vector<float> out(c.rows);
        x[k] = 1;
        matrix.multiply({x.data(), c.inner, 1}, {out.data(), 1, c.rows});
        for (std::size_t row = 0; row < c.rows; ++row) {
            ASSERT_EQ(out[row], expected[row * c.inner + k])
                << c.rows << "x" << c.inner << " row " << row << " column " << k;
        }
    }
}

TEST_P(RoundedMatrixProduct, HasEveryWeightRoundedAndInItsPlace) {
    std::mt19937 random{5};
    std::uniform_real_distribution<float> uniform{-1.0F, 1.0F};
    for (const auto& c : kRoundedCases) {
        std::vector<float> weights(c.rows * c.inner);
        for (auto& value : weights) value = uniform(random);
        expect_rounded_and_in_place(c, weights);
    }
}

// Around ties, at both ends of the range, in rows of all sizes, with zeros and what is far below the largest.
TEST_P(RoundedMatrixProduct, RoundsTiesToEvenAndKeepsToTheRange) {
    constexpr Case kCase{128, 64, 1};
    const float largest = std::nextafter(1.0F, 0.0F);
    std::vector<float> weights;
    for (std::size_t row = 0; row < kCase.rows; ++row) {
        const int scale = static_cast<int>(row) - 90;
        for (std::size_t k = 0; k < kCase.inner; ++k) {
            const float ties[] = {0x1.000002p-8F, 0x1p-24F, 0x3p-24F, 0x5p-25F, 0x1p-60F, 0.0F, -0.0F, largest};
            const auto size = row % 3 == 0 && k == 0 ? largest : ties[(k + row) % std::size(ties)];
            weights.push_back(std::ldexp(k % 2 == 0 ? size : -size, scale));
        }
    }
    expect_rounded_and_in_place(kCase, weights);
}

TEST_P(RoundedMatrixProduct, IsThatOfFloatsWhereARowHasNoScale) {
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 0x1p-120F}) {
        PackedMatrix matrix{
            128, 2, {}, [&](std::size_t row, std::size_t k) { return row == 77 ? (k == 0 ? bad : 0.0F) : 0.1F; }};
        matrix.round_weights();
        EXPECT_EQ(matrix.weight_type(), "float32");
        const float x[] = {1, 0};
        float out[128];
        matrix.multiply({x, 2, 1}, {out, 1, 128});
        EXPECT_EQ(out[76], 0.1F);
        EXPECT_TRUE(std::isnan(bad) ? std::isnan(out[77]) : out[77] == bad);
    }
}

TEST_P(RoundedMatrixProduct, IsThatOfDoublePrecision) {
    std::mt19937 random{7};
    for (const auto& c : kRoundedCases) {
        const auto p = random_product(c, random);
        PackedMatrix matrix{c.rows, c.inner, p.bias,
                            [&](std::size_t row, std::size_t k) { return p.weights[row * c.inner + k]; }};
        matrix.round_weights();
        const auto held = rounded(p.weights, c);
        const double tolerance = 1e-6 * std::sqrt(static_cast<double>(c.inner)) + 1e-6;
        for (const bool rows_are_neighbours : {true, false})
            expect_product(matrix, c, p, held, rows_are_neighbours, tolerance);
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, RoundedMatrixProduct, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()));

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
