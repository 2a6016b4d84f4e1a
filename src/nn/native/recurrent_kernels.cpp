// SPDX-License-Identifier: Apache-2.0
#include "nn/native/recurrent_kernels.hpp"

#include <cstring>
#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/recurrent_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// What one step's gates are made from, and the state they move.
struct Cell {
    const float* from_input;  // gates·hidden
    const float* recurrent;   // gates·hidden
    const float* before;      // hidden
    float* state;             // hidden; may be `before`
    float* c;                 // LSTM only
};

// Calls `body(load, store, j)` for vectors of `count` units.
template <class Body>
HWY_INLINE void for_each_unit(std::size_t count, const Body& body) {
    const Tag d;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t j = 0;
    for (; j + lanes <= count; j += lanes) {
        body([=](const float* from) HWY_ATTR { return hn::LoadU(d, from + j); },
             [=](auto value, float* to) HWY_ATTR { hn::StoreU(value, d, to + j); });
    }
    if (j == count) return;
    const auto part = count - j;
    body([=](const float* from) HWY_ATTR { return load_part(d, from + j, part); },
         [=](auto value, float* to) HWY_ATTR { store_part(value, d, to + j, part); });
}

// h' = (1 - z)·tanh(Wx + r·(Rh + b)) + z·h
HWY_INLINE void linear_gru_cell(const Cell& cell, std::size_t hidden) {
    const Tag d;
    for_each_unit(hidden, [&](const auto& load, const auto& store) HWY_ATTR {
        const auto z = gate_sigmoid(d, hn::Add(load(cell.from_input), load(cell.recurrent)));
        const auto r = gate_sigmoid(d, hn::Add(load(cell.from_input + hidden), load(cell.recurrent + hidden)));
        const auto h = tanh(d, hn::MulAdd(r, load(cell.recurrent + 2 * hidden), load(cell.from_input + 2 * hidden)));
        store(hn::MulAdd(z, hn::Sub(load(cell.before), h), h), cell.state);
    });
}

HWY_INLINE void lstm_cell(const Cell& cell, std::size_t hidden) {
    const Tag d;
    for_each_unit(hidden, [&](const auto& load, const auto& store) HWY_ATTR {
        const auto gate = [&](std::size_t k) HWY_ATTR {
            return hn::Add(load(cell.from_input + k * hidden), load(cell.recurrent + k * hidden));
        };
        const auto kept = hn::Mul(gate_sigmoid(d, gate(2)), load(cell.c));
        const auto c = hn::MulAdd(gate_sigmoid(d, gate(0)), tanh(d, gate(3)), kept);
        store(c, cell.c);
        store(hn::Mul(gate_sigmoid(d, gate(1)), tanh(d, c)), cell.state);
    });
}

HWY_INLINE void start_state(const float* initial, float* state, std::size_t count) {
    if (initial != nullptr) {
        std::memcpy(state, initial, count * sizeof(float));
    } else {
        std::memset(state, 0, count * sizeof(float));
    }
}

// Calls `step(from_input)` for every step in its order, with the products of all inputs made beforehand.
template <class Step>
HWY_INLINE void for_each_step(const Recurrence& layer, std::size_t gates, const RecurrenceMemory& m, const Step& step) {
    const auto width = gates * layer.hidden;
    layer.input->multiply({m.x, layer.inputs, layer.steps * layer.batch}, {m.gates, 1, width});
    for (std::size_t n = 0; n < layer.steps; ++n) {
        const auto t = layer.backwards ? layer.steps - 1 - n : n;
        step(m.gates + t * layer.batch * width);
        if (m.y != nullptr) {
            std::memcpy(m.y + t * m.y_stride, m.last_h, layer.batch * layer.hidden * sizeof(float));
        }
    }
}

void linear_gru(const Recurrence& layer, const RecurrenceMemory& m) {
    const auto width = 3 * layer.hidden;
    float* recurrent = m.gates + layer.steps * layer.batch * width;
    start_state(m.initial_h, m.last_h, layer.batch * layer.hidden);
    for_each_step(layer, 3, m, [&](const float* from_input) HWY_ATTR {
        layer.recurrent->multiply({m.last_h, layer.hidden, layer.batch}, {recurrent, 1, width});
        for (std::size_t b = 0; b < layer.batch; ++b) {
            float* h = m.last_h + b * layer.hidden;
            linear_gru_cell({from_input + b * width, recurrent + b * width, h, h, nullptr}, layer.hidden);
        }
    });
}

// h' = (1 - z)·tanh(Wx + R(r·h) + b) + z·h
void reset_first_gru(const Recurrence& layer, const RecurrenceMemory& m) {
    const auto hidden = layer.hidden;
    const auto width = 3 * hidden;
    float* recurrent = m.gates + layer.steps * layer.batch * width;
    float* reset = recurrent + layer.batch * width;
    start_state(m.initial_h, m.last_h, layer.batch * hidden);
    const Tag d;
    for_each_step(layer, 3, m, [&](const float* from_input) HWY_ATTR {
        layer.recurrent->multiply({m.last_h, hidden, layer.batch}, {recurrent, 1, width});
        for (std::size_t b = 0; b < layer.batch; ++b) {
            const float* x = from_input + b * width + hidden;
            const float* r = recurrent + b * width + hidden;
            for_each_unit(hidden, [&](const auto& load, const auto& store) HWY_ATTR {
                store(hn::Mul(gate_sigmoid(d, hn::Add(load(x), load(r))), load(m.last_h + b * hidden)),
                      reset + b * hidden);
            });
        }
        layer.reset->multiply({reset, hidden, layer.batch}, {recurrent + 2 * hidden, 1, width});
        for (std::size_t b = 0; b < layer.batch; ++b) {
            const float* x = from_input + b * width;
            const float* r = recurrent + b * width;
            float* h = m.last_h + b * hidden;
            for_each_unit(hidden, [&](const auto& load, const auto& store) HWY_ATTR {
                const auto z = gate_sigmoid(d, hn::Add(load(x), load(r)));
                const auto next = tanh(d, hn::Add(load(x + 2 * hidden), load(r + 2 * hidden)));
                store(hn::MulAdd(z, hn::Sub(load(h), next), next), h);
            });
        }
    });
}

void lstm(const Recurrence& layer, const RecurrenceMemory& m) {
    const auto width = 4 * layer.hidden;
    float* recurrent = m.gates + layer.steps * layer.batch * width;
    start_state(m.initial_h, m.last_h, layer.batch * layer.hidden);
    start_state(m.initial_c, m.last_c, layer.batch * layer.hidden);
    for_each_step(layer, 4, m, [&](const float* from_input) HWY_ATTR {
        layer.recurrent->multiply({m.last_h, layer.hidden, layer.batch}, {recurrent, 1, width});
        for (std::size_t b = 0; b < layer.batch; ++b) {
            float* h = m.last_h + b * layer.hidden;
            lstm_cell({from_input + b * width, recurrent + b * width, h, h, m.last_c + b * layer.hidden}, layer.hidden);
        }
    });
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(linear_gru);
HWY_EXPORT(reset_first_gru);
HWY_EXPORT(lstm);

void run_gru(const Recurrence& layer, bool linear_before_reset, const RecurrenceMemory& memory) noexcept {
    if (linear_before_reset) {
        HWY_DYNAMIC_DISPATCH(linear_gru)(layer, memory);
    } else {
        HWY_DYNAMIC_DISPATCH(reset_first_gru)(layer, memory);
    }
}

void run_lstm(const Recurrence& layer, const RecurrenceMemory& memory) noexcept {
    HWY_DYNAMIC_DISPATCH(lstm)(layer, memory);
}

}  // namespace sidetone::nn::native
#endif
