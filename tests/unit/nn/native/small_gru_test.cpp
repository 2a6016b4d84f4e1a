// SPDX-License-Identifier: Apache-2.0
#include "nn/native/small_gru.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace sidetone::nn::native {
namespace {

using Doubles = std::vector<double>;

struct Weights {
    std::vector<float> input, recurrent, input_bias, recurrent_bias;
};

std::vector<float> noise(std::mt19937& random, std::size_t count) {
    std::uniform_real_distribution<float> uniform{-1.0F, 1.0F};
    std::vector<float> values(count);
    for (auto& value : values) value = uniform(random);
    return values;
}

double sigmoid(double v) {
    return 1.0 / (1.0 + std::exp(-v));
}

// Row `row` of a matrix times a vector, plus bias.
template <class T>
double product(const std::vector<float>& matrix, const std::vector<float>& bias, std::size_t row, const T* x,
               std::size_t columns) {
    auto sum = static_cast<double>(bias[row]);
    for (std::size_t k = 0; k < columns; ++k) {
        sum += static_cast<double>(matrix[row * columns + k]) * static_cast<double>(x[k]);
    }
    return sum;
}

void step(const SmallGru& layer, const Weights& w, const float* x, double* h) {
    Doubles next(layer.hidden);
    for (std::size_t j = 0; j < layer.hidden; ++j) {
        const auto gate = [&](std::size_t g) {
            return std::pair{product(w.input, w.input_bias, g * layer.hidden + j, x, layer.inputs),
                             product(w.recurrent, w.recurrent_bias, g * layer.hidden + j, h, layer.hidden)};
        };
        const double z = sigmoid(gate(0).first + gate(0).second);
        const double r = sigmoid(gate(1).first + gate(1).second);
        const double n = std::tanh(gate(2).first + r * gate(2).second);
        next[j] = (1 - z) * n + z * h[j];
    }
    std::copy(next.begin(), next.end(), h);
}

TEST(SmallGruLayer, OfRandomShapesIsThatOfDoublePrecision) {
    std::mt19937 random{5};
    for (int trial = 0; trial < 200; ++trial) {
        SmallGru layer{.steps = 1 + random() % 9,
                       .batch = 1 + random() % 5,
                       .inputs = 1 + random() % 20,
                       .hidden = 1 + random() % SmallGru::kMaxHidden};
        const std::size_t directions = 1 + random() % 2;
        const auto rows = 3 * layer.hidden;
        std::vector<Weights> weights;
        for (std::size_t d = 0; d < directions; ++d) {
            weights.push_back({noise(random, rows * layer.inputs), noise(random, rows * layer.hidden),
                               noise(random, rows), noise(random, rows)});
            const auto& w = weights.back();
            layer.add_direction(w.input, w.recurrent, w.input_bias, w.recurrent_bias, random() % 2 == 0);
        }
        const auto state = layer.batch * layer.hidden;
        const auto x = noise(random, layer.steps * layer.batch * layer.inputs);
        const auto initial = random() % 2 == 0 ? std::vector<float>{} : noise(random, directions * state);
        std::vector<float> y(layer.steps * directions * state + 1, 1234.0F);
        std::vector<float> last(directions * state + 1, 1234.0F);
        run_small_gru(layer, x.data(), initial.empty() ? nullptr : initial.data(), y.data(), last.data());
        EXPECT_EQ(y.back(), 1234.0F);
        EXPECT_EQ(last.back(), 1234.0F);
        Doubles h(directions * state, 0.0);
        std::copy(initial.begin(), initial.end(), h.begin());
        for (std::size_t n = 0; n < layer.steps; ++n) {
            for (std::size_t i = 0; i < directions * layer.batch; ++i) {
                const auto d = i / layer.batch;
                const auto b = i % layer.batch;
                const auto t = layer.directions[d].backwards ? layer.steps - 1 - n : n;
                double* own = &h[i * layer.hidden];
                step(layer, weights[d], &x[(t * layer.batch + b) * layer.inputs], own);
                const float* found = &y[((t * directions + d) * layer.batch + b) * layer.hidden];
                for (std::size_t j = 0; j < layer.hidden; ++j) ASSERT_NEAR(found[j], own[j], 3e-6) << trial;
            }
        }
        for (std::size_t i = 0; i < h.size(); ++i) ASSERT_NEAR(last[i], h[i], 3e-6) << trial;
    }
}

}  // namespace
}  // namespace sidetone::nn::native
