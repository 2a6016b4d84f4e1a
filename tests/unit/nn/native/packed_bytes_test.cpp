// SPDX-License-Identifier: Apache-2.0
#include "nn/native/packed_bytes.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sidetone::nn::native {
namespace {

struct Case {
    std::size_t rows, inner, count, zero_points;
};

// Every tail: rows around a panel's and a grain's size, inner elements around a quad, counts around those multiplied
// together.
constexpr Case kCases[] = {{1, 1, 1, 0},   {5, 3, 2, 1},    {16, 16, 9, 16}, {17, 8, 3, 0},
                           {24, 7, 5, 24}, {48, 1, 4, 1},   {63, 13, 1, 0},  {64, 192, 3, 0},
                           {65, 2, 6, 65}, {128, 64, 1, 0}, {257, 31, 1, 1}, {258, 129, 4, 258}};

class PackedBytesProduct : public testing::TestWithParam<bool> {};

TEST_P(PackedBytesProduct, IsExact) {
    const bool portably = GetParam();
    std::mt19937 random{11};
    const auto number = [&](int low, int high) {
        return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
    };
    for (const auto& c : kCases) {
        std::vector<std::int8_t> weights(c.rows * c.inner);
        for (auto& weight : weights) weight = static_cast<std::int8_t>(number(-128, 127));
        std::vector<std::int32_t> zeros(c.zero_points);
        for (auto& zero : zeros) zero = number(-128, 127);
        std::vector<std::int32_t> offsets(c.rows);
        for (auto& offset : offsets) offset = number(-1000, 1000);
        const PackedBytes matrix{c.rows, c.inner, zeros, offsets,
                                 [&](std::size_t row, std::size_t k) { return weights[row * c.inner + k]; }};
        const auto stride = matrix.padded_inner() + 4;
        std::vector<std::uint8_t> x(c.count * stride);
        for (auto& byte : x) byte = static_cast<std::uint8_t>(number(0, 255));
        const auto x_zero = number(0, 255);
        constexpr std::int32_t kUntouched = 123456;
        std::vector<std::int32_t> sums(c.count * matrix.padded_rows() + 1, kUntouched);
        const ByteVectors vectors{x.data(), stride, c.count, x_zero};
        portably ? matrix.multiply_portably(vectors, sums.data()) : matrix.multiply(vectors, sums.data());
        for (std::size_t v = 0; v < c.count; ++v) {
            for (std::size_t row = 0; row < c.rows; ++row) {
                std::int32_t expected = offsets[row];
                const auto zero = zeros.empty() ? 0 : zeros[zeros.size() == 1 ? 0 : row];
                for (std::size_t k = 0; k < c.inner; ++k) {
                    expected += (x[v * stride + k] - x_zero) * (weights[row * c.inner + k] - zero);
                }
                ASSERT_EQ(sums[v * matrix.padded_rows() + row], expected)
                    << c.rows << "x" << c.inner << " row " << row << " vector " << v;
            }
        }
        EXPECT_EQ(sums.back(), kUntouched);
    }
}

// What sums pairs of products in 16 bits would saturate here.
TEST_P(PackedBytesProduct, IsExactForTheLargestBytes) {
    constexpr std::size_t kInner = 512;
    for (const int weight : {-128, 127}) {
        const PackedBytes matrix{
            16, kInner, {}, {}, [&](std::size_t, std::size_t) { return static_cast<std::int8_t>(weight); }};
        const std::vector<std::uint8_t> x(kInner, 255);
        std::vector<std::int32_t> sums(16);
        const ByteVectors vectors{x.data(), kInner, 1, 0};
        GetParam() ? matrix.multiply_portably(vectors, sums.data()) : matrix.multiply(vectors, sums.data());
        EXPECT_EQ(sums[0], 255 * weight * static_cast<int>(kInner));
    }
}

INSTANTIATE_TEST_SUITE_P(Kernels, PackedBytesProduct, testing::Bool(),
                         [](const auto& info) { return info.param ? "portable" : "best"; });

}  // namespace
}  // namespace sidetone::nn::native
