// SPDX-License-Identifier: Apache-2.0
#include "nn/native/small_gru.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/small_gru.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Adds `count` products to each of three gates, whose weights lie kWidth apart, in two chains so that fewer additions
// wait for one another.
template <class D, std::size_t kWidth>
HWY_INLINE void add_products(const float* factors, std::size_t count, const float*& weights, hn::Vec<D> (&gates)[3]) {
    const D d;
    hn::Vec<D> odd[3] = {hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    const auto add = [&](const float* factor, hn::Vec<D>(&sums)[3]) HWY_ATTR {
        const auto value = hn::Set(d, *factor);
        for (std::size_t g = 0; g < 3; ++g) {
            sums[g] = hn::MulAdd(value, hn::LoadU(d, weights + g * kWidth), sums[g]);
        }
        weights += 3 * kWidth;
    };
    std::size_t k = 0;
    for (; k + 2 <= count; k += 2) {
        add(factors + k, gates);
        add(factors + k + 1, odd);
    }
    if (k < count) add(factors + k, gates);
    for (std::size_t g = 0; g < 3; ++g) gates[g] = hn::Add(gates[g], odd[g]);
}

// `kWidth` lanes as one vector, or as many as it takes where the target's are shorter; unit `at` is the first.
template <class D, std::size_t kWidth>
HWY_INLINE void step_units(const SmallGru& layer, const float* weights, const float* x, const float* h, std::size_t at,
                           float* next) {
    const D d;
    weights += at;
    hn::Vec<D> gates[3] = {hn::LoadU(d, weights), hn::LoadU(d, weights + kWidth), hn::LoadU(d, weights + 2 * kWidth)};
    const auto recurrent_bias = hn::LoadU(d, weights + 3 * kWidth);
    weights += 4 * kWidth;
    add_products<D, kWidth>(x, layer.inputs, weights, gates);
    const auto from_input = std::exchange(gates[2], recurrent_bias);
    add_products<D, kWidth>(h, layer.hidden, weights, gates);
    const auto kept = gate_sigmoid(d, gates[0]);
    const auto candidate = tanh(d, hn::MulAdd(gate_sigmoid(d, gates[1]), gates[2], from_input));
    hn::StoreU(hn::MulAdd(kept, hn::Sub(hn::LoadU(d, h + at), candidate), candidate), d, next + at);
}

template <std::size_t kWidth>
HWY_INLINE void copy_units(const float* from, std::size_t hidden, float* to) {
    if (hidden == kWidth) {
        std::memcpy(to, from, kWidth * sizeof(float));
    } else {
        for (std::size_t j = 0; j < hidden; ++j) to[j] = from[j];
    }
}

template <std::size_t kWidth>
void run_layer(const SmallGru& layer, const float* x, const float* initial_h, float* y, float* last_h) {
    using D = hn::CappedTag<float, kWidth>;
    const auto state = layer.batch * layer.hidden;
    const auto bytes = layer.directions.size() * state * sizeof(float);
    if (initial_h != nullptr) {
        std::memcpy(last_h, initial_h, bytes);
    } else {
        std::memset(last_h, 0, bytes);
    }
    for (std::size_t step = 0; step < layer.steps; ++step) {
        for (std::size_t d = 0; d < layer.directions.size(); ++d) {
            const auto& direction = layer.directions[d];
            const auto t = direction.backwards ? layer.steps - 1 - step : step;
            const float* inputs = x + t * layer.batch * layer.inputs;
            float* states = last_h + d * state;
            float* outputs = y + (t * layer.directions.size() + d) * state;
            for (std::size_t b = 0; b < layer.batch; ++b, inputs += layer.inputs) {
                HWY_ALIGN float h[kWidth] = {};
                HWY_ALIGN float next[kWidth];
                copy_units<kWidth>(states + b * layer.hidden, layer.hidden, h);
                for (std::size_t at = 0; at < kWidth; at += hn::Lanes(D{})) {
                    step_units<D, kWidth>(layer, direction.weights.data(), inputs, h, at, next);
                }
                copy_units<kWidth>(next, layer.hidden, states + b * layer.hidden);
                copy_units<kWidth>(next, layer.hidden, outputs + b * layer.hidden);
            }
        }
    }
}

void small_gru(const SmallGru& layer, const float* x, const float* initial_h, float* y, float* last_h) {
    switch (layer.width) {
        case 4:
            return run_layer<4>(layer, x, initial_h, y, last_h);
        case 8:
            return run_layer<8>(layer, x, initial_h, y, last_h);
        default:
            return run_layer<16>(layer, x, initial_h, y, last_h);
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(small_gru);

void SmallGru::add_direction(std::span<const float> input, std::span<const float> recurrent,
                             std::span<const float> input_bias, std::span<const float> recurrent_bias, bool backwards) {
    width = hidden <= 4 ? 4 : hidden <= 8 ? 8 : kMaxHidden;
    Direction made{.weights = ProgramVector<float>((4 + 3 * (inputs + hidden)) * width, 0.0F), .backwards = backwards};
    float* to = made.weights.data();
    for (std::size_t j = 0; j < hidden; ++j) {
        to[j] = input_bias[j] + recurrent_bias[j];
        to[width + j] = input_bias[hidden + j] + recurrent_bias[hidden + j];
        to[2 * width + j] = input_bias[2 * hidden + j];
        to[3 * width + j] = recurrent_bias[2 * hidden + j];
    }
    to += 4 * width;
    const auto put = [&](std::span<const float> from, std::size_t columns) {
        for (std::size_t k = 0; k < columns; ++k, to += 3 * width) {
            for (std::size_t row = 0; row < 3 * hidden; ++row) {
                to[row / hidden * width + row % hidden] = from[row * columns + k];
            }
        }
    };
    put(input, inputs);
    put(recurrent, hidden);
    directions.push_back(std::move(made));
}

void run_small_gru(const SmallGru& layer, const float* x, const float* initial_h, float* y, float* last_h) noexcept {
    HWY_DYNAMIC_DISPATCH(small_gru)(layer, x, initial_h, y, last_h);
}

}  // namespace sidetone::nn::native
#endif
