// SPDX-License-Identifier: Apache-2.0
#include "nn/native/direct_convolution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "convolution_reference.hpp"

namespace sidetone::nn::native {
namespace {

ConvolutionShape random_shape(std::mt19937& random) {
    return {.batch = 1 + below(random, 2),
            .groups = 1 + below(random, 3),
            .group_inputs = 1 + below(random, 4),
            .group_outputs = 1 + below(random, 7),
            .height = random_extent(random, 4),
            .width = random_extent(random, 70)};
}

double activated(Activation activation, float slope, double sum) {
    if (activation == Activation::none || sum >= 0) return sum;
    return activation == Activation::relu ? 0.0 : static_cast<double>(slope) * sum;
}

TEST(DirectConvolution, OfRandomShapesIsThatOfDoublePrecision) {
    std::mt19937 random{11};
    for (int trial = 0; trial < 400; ++trial) {
        const auto shape = random_shape(random);
        const auto weights = noise(random, shape.outputs() * shape.group_inputs * shape.taps());
        const auto bias = trial % 3 == 0 ? std::vector<float>{} : noise(random, shape.outputs());
        const auto slopes = noise(random, shape.outputs());
        const auto activation = static_cast<Activation>(trial % 3);
        const auto x = noise(random, shape.batch * shape.inputs() * shape.height.in * shape.width.in);
        const auto plan = plan_convolution(shape, weights, bias, activation, slopes);
        constexpr float kUntouched = 1234.0F;
        // What lies in the scratch from before must not matter.
        std::vector<float> scratch(plan.scratch_elements() + 1, NAN);
        scratch.back() = kUntouched;
        std::vector<float> out(shape.batch * shape.outputs() * shape.height.out * shape.width.out + 1, kUntouched);
        run_convolution(plan, x.data(), out.data(), scratch.data());
        ASSERT_EQ(out.back(), kUntouched) << trial;
        ASSERT_EQ(scratch.back(), kUntouched) << trial;
        std::size_t at = 0;
        for (std::size_t b = 0; b < shape.batch; ++b) {
            for (std::size_t o = 0; o < shape.outputs(); ++o) {
                for (std::size_t oh = 0; oh < shape.height.out; ++oh) {
                    for (std::size_t ow = 0; ow < shape.width.out; ++ow, ++at) {
                        const auto sum = expected_at(shape, weights, x, b, o, oh, ow) +
                                         (bias.empty() ? 0.0 : static_cast<double>(bias[o]));
                        ASSERT_NEAR(out[at], activated(activation, slopes[o], sum), 1e-5)
                            << "trial " << trial << ", output " << o << ", row " << oh << ", column " << ow;
                    }
                }
            }
        }
    }
}

// Batch normalisation and PReLU after a transposed and a plain convolution, per channel and with one number for all.
TEST(DirectConvolution, WithAnEpilogueIsWhatFollowsDoneApart) {
    std::mt19937 random{13};
    for (int trial = 0; trial < 100; ++trial) {
        const auto shape = random_shape(random);
        const auto weights = noise(random, shape.outputs() * shape.group_inputs * shape.taps());
        const auto bias = noise(random, shape.outputs());
        const auto count = trial % 2 == 0 ? shape.outputs() : 1;
        Epilogue epilogue{.shift = noise(random, count)};
        if (trial % 3 > 0) epilogue.scale = noise(random, count);
        if (trial % 3 > 1) epilogue.slopes = trial % 4 == 0 ? std::vector<float>{0.0F} : noise(random, count);
        const auto x = noise(random, shape.batch * shape.inputs() * shape.height.in * shape.width.in);
        auto plan = plan_convolution(shape, weights, bias);
        const auto channel = shape.height.out * shape.width.out;
        std::vector<float> scratch(plan.scratch_elements());
        std::vector<float> apart(shape.batch * shape.outputs() * channel);
        std::vector<float> fused(apart.size());
        run_convolution(plan, x.data(), apart.data(), scratch.data());
        append_epilogue(plan, epilogue);
        run_convolution(plan, x.data(), fused.data(), scratch.data());
        for (std::size_t at = 0; at < apart.size(); ++at) {
            const auto output = at / channel % shape.outputs();
            const auto of = [&](const std::vector<float>& values, float otherwise) {
                return values.empty() ? otherwise : values[values.size() == 1 ? 0 : output];
            };
            const float v = apart[at] * of(epilogue.scale, 1) + of(epilogue.shift, 0);
            ASSERT_NEAR(fused[at], v < 0 ? v * of(epilogue.slopes, 1) : v, 2e-5) << trial << " at " << at;
        }
    }
}

}  // namespace
}  // namespace sidetone::nn::native
