// SPDX-License-Identifier: Apache-2.0
#include "nn/native/direct_convolution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace sidetone::nn::native {
namespace {

std::vector<float> noise(std::mt19937& random, std::size_t count) {
    std::uniform_real_distribution<float> uniform{-1.0F, 1.0F};
    std::vector<float> values(count);
    for (auto& value : values) value = uniform(random);
    return values;
}

std::size_t below(std::mt19937& random, std::size_t limit) {
    return random() % limit;
}

// Of any size around a vector's, with any of stride, dilation and padding; transposed ones have zeros between inputs.
ConvolutionExtent random_extent(std::mt19937& random, std::size_t most) {
    for (;;) {
        ConvolutionExtent e{.in = 1 + below(random, most), .taps = 1 + below(random, 5)};
        const bool transposed = below(random, 2) == 0;
        e.stride = transposed ? 1 : static_cast<std::ptrdiff_t>(1 + below(random, 3));
        e.spread = transposed ? static_cast<std::ptrdiff_t>(1 + below(random, 3)) : 1;
        e.dilation = static_cast<std::ptrdiff_t>(1 + below(random, 3));
        const auto reach = static_cast<std::ptrdiff_t>(e.taps - 1) * e.dilation;
        e.pad = static_cast<std::ptrdiff_t>(below(random, static_cast<std::size_t>(reach) + 1));
        const auto after = static_cast<std::ptrdiff_t>(below(random, static_cast<std::size_t>(reach) + 1));
        const auto room = static_cast<std::ptrdiff_t>(e.in - 1) * e.spread + e.pad + after - reach;
        if (room < 0) continue;
        e.out = static_cast<std::size_t>(room / e.stride) + 1;
        return e;
    }
}

double expected_at(const ConvolutionShape& s, const std::vector<float>& weights, const std::vector<float>& x,
                   std::size_t b, std::size_t output, std::size_t oh, std::size_t ow) {
    double sum = 0;
    const auto group = output / s.group_outputs;
    for (std::size_t c = 0; c < s.group_inputs; ++c) {
        for (std::size_t kh = 0; kh < s.height.taps; ++kh) {
            for (std::size_t kw = 0; kw < s.width.taps; ++kw) {
                const auto row = s.height.place(oh, kh);
                const auto column = s.width.place(ow, kw);
                if (row < 0 || column < 0) continue;
                const auto channel = b * s.inputs() + group * s.group_inputs + c;
                const auto at = (channel * s.height.in + static_cast<std::size_t>(row)) * s.width.in +
                                static_cast<std::size_t>(column);
                const auto weight = ((output * s.group_inputs + c) * s.height.taps + kh) * s.width.taps + kw;
                sum += static_cast<double>(weights[weight]) * static_cast<double>(x[at]);
            }
        }
    }
    return sum;
}

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
