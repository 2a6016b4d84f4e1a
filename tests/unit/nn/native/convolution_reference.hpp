// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "nn/native/direct_convolution.hpp"

namespace sidetone::nn::native {

inline std::vector<float> noise(std::mt19937& random, std::size_t count) {
    std::uniform_real_distribution<float> uniform{-1.0F, 1.0F};
    std::vector<float> values(count);
    for (auto& value : values) value = uniform(random);
    return values;
}

inline std::size_t below(std::mt19937& random, std::size_t limit) {
    return random() % limit;
}

/// Of any size around a vector's, with any of stride, dilation and padding; transposed ones have zeros between inputs.
inline ConvolutionExtent random_extent(std::mt19937& random, std::size_t most) {
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

/// Output [b, output, oh, ow] without bias.
inline double expected_at(const ConvolutionShape& s, const std::vector<float>& weights, const std::vector<float>& x,
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

}  // namespace sidetone::nn::native
