// SPDX-License-Identifier: Apache-2.0
#include "nn/native/depthwise_convolution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "convolution_reference.hpp"

namespace sidetone::nn::native {
namespace {

constexpr float kUntouched = 1234.0F;

// Half of them as wide as vectors are, half of short rows that lie end to end.
ConvolutionShape random_depthwise(std::mt19937& random) {
    for (;;) {
        ConvolutionShape shape{.batch = 1 + below(random, 2), .groups = 1 + below(random, 9)};
        shape.width = random_extent(random, 150);
        if (below(random, 2) == 0) {
            shape.width = random_extent(random, 30);
            shape.batch = 1;
            shape.height = {.taps = 1 + below(random, 3)};
            shape.height.pad = static_cast<std::ptrdiff_t>(shape.height.taps) - 1;
        } else if (below(random, 2) == 0) {
            shape.height = random_extent(random, 4);
        }
        if (suits_depthwise(shape)) return shape;
    }
}

std::vector<float> run(const ConvolutionShape& shape, const DepthwisePlan& plan, const std::vector<float>& x) {
    std::vector<float> out(shape.batch * shape.groups * shape.height.out * shape.width.out + 1, kUntouched);
    run_depthwise(plan, x.data(), out.data());
    EXPECT_EQ(out.back(), kUntouched);
    out.pop_back();
    return out;
}

TEST(DepthwiseConvolution, OfRandomShapesIsThatOfDoublePrecision) {
    std::mt19937 random{21};
    int in_one_row = 0;
    for (int trial = 0; trial < 400; ++trial) {
        const auto shape = random_depthwise(random);
        const auto weights = noise(random, shape.groups * shape.taps());
        const auto bias = trial % 3 == 0 ? std::vector<float>{} : noise(random, shape.groups);
        const auto x = noise(random, shape.batch * shape.groups * shape.height.in * shape.width.in);
        const auto plan = plan_depthwise(shape, weights, bias);
        in_one_row += plan.is_one_row ? 1 : 0;
        const auto out = run(shape, plan, x);
        std::size_t at = 0;
        for (std::size_t b = 0; b < shape.batch; ++b) {
            for (std::size_t o = 0; o < shape.groups; ++o) {
                for (std::size_t oh = 0; oh < shape.height.out; ++oh) {
                    for (std::size_t ow = 0; ow < shape.width.out; ++ow, ++at) {
                        const auto sum = expected_at(shape, weights, x, b, o, oh, ow) +
                                         (bias.empty() ? 0.0 : static_cast<double>(bias[o]));
                        ASSERT_NEAR(out[at], sum, 1e-5)
                            << "trial " << trial << ", channel " << o << ", row " << oh << ", column " << ow;
                    }
                }
            }
        }
    }
    EXPECT_GT(in_one_row, 100);
    EXPECT_LT(in_one_row, 300);
}

TEST(DepthwiseConvolution, WithAnEpilogueIsWhatFollowsDoneApart) {
    std::mt19937 random{23};
    for (int trial = 0; trial < 200; ++trial) {
        const auto shape = random_depthwise(random);
        const auto weights = noise(random, shape.groups * shape.taps());
        const auto count = trial % 2 == 0 ? shape.groups : 1;
        Epilogue epilogue{.shift = noise(random, count)};
        if (trial % 3 > 0) epilogue.scale = noise(random, count);
        if (trial % 3 > 1) epilogue.slopes = trial % 4 == 0 ? std::vector<float>{0.0F} : noise(random, count);
        const auto x = noise(random, shape.batch * shape.groups * shape.height.in * shape.width.in);
        auto plan = plan_depthwise(shape, weights, noise(random, shape.groups));
        const auto apart = run(shape, plan, x);
        append_epilogue(plan, epilogue);
        const auto fused = run(shape, plan, x);
        for (std::size_t at = 0; at < apart.size(); ++at) {
            const auto channel = at / (shape.height.out * shape.width.out) % shape.groups;
            const auto of = [&](const std::vector<float>& values, float otherwise) {
                return values.empty() ? otherwise : values[values.size() == 1 ? 0 : channel];
            };
            const float v = apart[at] * of(epilogue.scale, 1) + of(epilogue.shift, 0);
            ASSERT_NEAR(fused[at], v < 0 ? v * of(epilogue.slopes, 1) : v, 2e-5) << trial << " at " << at;
        }
    }
}

TEST(DepthwiseConvolution, KeepsWhatIsNotFiniteToItsChannel) {
    const ConvolutionShape shape{.groups = 4, .width = {.in = 8, .out = 8, .taps = 3, .pad = 1}};
    ASSERT_TRUE(suits_depthwise(shape));
    std::vector<float> x(32, 1.0F);
    for (std::size_t i = 8; i < 16; ++i) x[i] = NAN;
    const auto out = run(shape, plan_depthwise(shape, std::vector<float>(12, 1.0F), {}), x);
    for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(std::isfinite(out[i]), i < 8 || i >= 16) << i;
    }
}

}  // namespace
}  // namespace sidetone::nn::native
