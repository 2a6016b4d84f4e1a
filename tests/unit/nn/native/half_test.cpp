// SPDX-License-Identifier: Apache-2.0
#include "nn/native/half.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "nn/native/packed_halves.hpp"

namespace sidetone::nn::native {
namespace {

TEST(Half, OfEveryFiniteValueIsItself) {
    for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const auto value = float_of_half(half);
        if (!std::isfinite(value)) {
            EXPECT_EQ(half_of(value), std::nullopt) << bits;
            EXPECT_EQ(bits & 0x7C00U, 0x7C00U);
        } else {
            EXPECT_EQ(half_of(value), half) << bits;
        }
    }
}

TEST(Half, HasTheValuesOfTheStandard) {
    EXPECT_EQ(float_of_half(0x3C00), 1.0F);
    EXPECT_EQ(float_of_half(0xC000), -2.0F);
    EXPECT_EQ(float_of_half(0x7BFF), 65504.0F);
    EXPECT_EQ(float_of_half(0x0001), 0x1p-24F);
    EXPECT_EQ(float_of_half(0x7C00), std::numeric_limits<float>::infinity());
}

TEST(Half, OfWhatNeedsMoreBitsIsNone) {
    for (const float value : {0.1F, 65505.0F, 65536.0F, 0x1p-25F, 1.0F + 0x1p-11F}) EXPECT_FALSE(half_of(value));
}

struct Case {
    std::size_t rows, inner, count;
};

TEST(PackedHalves, MultiplyAsDoublePrecisionDoes) {
    for (const auto& c : {Case{256, 129, 1}, Case{257, 128, 2}, Case{40, 1000, 3}, Case{33, 1025, 1}}) {
        const auto element = [](std::size_t row, std::size_t k) {
            return static_cast<float>((row * 7 + k * 13) % 41) / 16 - 1;
        };
        std::vector<float> bias(c.rows, 0.25F);
        const auto matrix = PackedHalves::pack(c.rows, c.inner, bias, element);
        ASSERT_TRUE(matrix);
        std::vector<float> x(c.inner * c.count);
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 5 % 17) / 8 - 1;
        constexpr float kUntouched = 1234.0F;
        std::vector<float> out(c.rows * c.count + 1, kUntouched);
        matrix->multiply({x.data(), c.inner, c.count}, out.data());
        for (std::size_t v = 0; v < c.count; ++v) {
            for (std::size_t row = 0; row < c.rows; ++row) {
                double expected = 0.25;
                for (std::size_t k = 0; k < c.inner; ++k) {
                    expected += static_cast<double>(element(row, k)) * static_cast<double>(x[v * c.inner + k]);
                }
                ASSERT_NEAR(out[v * c.rows + row], expected, 1e-3) << c.rows << "x" << c.inner;
            }
        }
        EXPECT_EQ(out.back(), kUntouched);
    }
}

TEST(PackedHalves, AreNotMadeOfWhatNeedsMoreBits) {
    const auto element = [](std::size_t row, std::size_t k) { return row == 255 && k == 255 ? 0.1F : 1.0F; };
    EXPECT_FALSE(PackedHalves::pack(256, 256, {}, element));
}

}  // namespace
}  // namespace sidetone::nn::native
