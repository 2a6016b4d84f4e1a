// SPDX-License-Identifier: Apache-2.0
#include "nn/native/general_recurrence.hpp"

#include <algorithm>
#include <cstring>

namespace sidetone::nn::native {
namespace {

void start_state(const float* initial, float* state, std::size_t count) noexcept {
    if (initial != nullptr) {
        std::memcpy(state, initial, count * sizeof(float));
    } else {
        std::fill_n(state, count, 0.0F);
    }
}

void add(float* to, const float* more, std::size_t count) noexcept {
    apply_binary(Binary::add, to, 1, more, 1, to, count);
}

// to += a·b
void add_product(float* to, const float* a, const float* b, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) to[i] += a[i] * b[i];
}

}  // namespace

void RecurrentActivation::apply(float* x, std::size_t count) const noexcept {
    if (before != 1.0F) scale_and_shift(before, 0.0F, x, x, count);
    apply_unary(f, a, b, x, x, count);
    if (after != 1.0F || shift != 0.0F) scale_and_shift(after, shift, x, x, count);
}

void GeneralRecurrence::activate(const RecurrentActivation& f, float* x) const noexcept {
    if (clip) apply_unary(Unary::clip, -*clip, *clip, x, x, hidden);
    f.apply(x, hidden);
}

void GeneralRecurrence::step_rnn(const Direction& d, const Unit& u) const noexcept {
    add(u.gates, u.recurrent, hidden);
    activate(d.activations[0], u.gates);
    std::copy_n(u.gates, hidden, u.h);
}

void GeneralRecurrence::step_gru(const Direction& d, const Unit& u) const noexcept {
    float* z = u.gates;
    float* r = u.gates + hidden;
    float* n = u.gates + 2 * hidden;
    for (float* gate : {z, r}) {
        add(gate, u.recurrent + (gate - z), hidden);
        activate(d.activations[0], gate);
    }
    if (linear_before_reset) {
        add_product(n, r, u.recurrent + 2 * hidden, hidden);
    } else {
        apply_binary(Binary::multiply, r, 1, u.h, 1, u.scratch, hidden);
        d.reset.multiply({u.scratch, hidden, 1}, {u.scratch + hidden, 1, hidden});
        add(n, u.scratch + hidden, hidden);
    }
    activate(d.activations[1], n);
    for (std::size_t i = 0; i < hidden; ++i) u.h[i] = n[i] + z[i] * (u.h[i] - n[i]);
}

void GeneralRecurrence::step_lstm(const Direction& d, const Unit& u) const noexcept {
    float* input = u.gates;
    float* output = u.gates + hidden;
    float* forget = u.gates + 2 * hidden;
    float* cell_gate = u.gates + 3 * hidden;
    const float* peephole = d.peepholes.empty() ? nullptr : d.peepholes.data();
    add(u.gates, u.recurrent, 4 * hidden);
    if (peephole != nullptr) {
        add_product(input, peephole, u.c, hidden);
        add_product(forget, peephole + 2 * hidden, u.c, hidden);
    }
    activate(d.activations[0], input);
    activate(d.activations[1], cell_gate);
    if (couples_gates) {
        for (std::size_t i = 0; i < hidden; ++i) forget[i] = 1 - input[i];
    } else {
        activate(d.activations[0], forget);
    }
    for (std::size_t i = 0; i < hidden; ++i) u.c[i] = forget[i] * u.c[i] + input[i] * cell_gate[i];
    if (peephole != nullptr) add_product(output, peephole + hidden, u.c, hidden);
    activate(d.activations[0], output);
    std::copy_n(u.c, hidden, u.scratch);
    d.activations[2].apply(u.scratch, hidden);
    apply_binary(Binary::multiply, output, 1, u.scratch, 1, u.h, hidden);
}

void GeneralRecurrence::operator()(void* const* p) const noexcept {
    const auto* x = static_cast<const float*>(*p++);
    const auto* initial_h = has_h ? static_cast<const float*>(*p++) : nullptr;
    const auto* initial_c = has_c ? static_cast<const float*>(*p++) : nullptr;
    auto* y = static_cast<float*>(*p++);
    auto* h = static_cast<float*>(*p++);
    auto* c = cell == RecurrentCell::lstm ? static_cast<float*>(*p++) : nullptr;
    auto* gates = static_cast<float*>(*p);
    const auto width = gates_of(cell) * hidden;
    const auto state = batch * hidden;
    float* recurrent = gates + steps * batch * width;
    float* scratch = recurrent + batch * width;
    start_state(initial_h, h, directions.size() * state);
    if (c != nullptr) start_state(initial_c, c, directions.size() * state);
    for (std::size_t i = 0; i < directions.size(); ++i, h += state, y += state) {
        const auto& d = directions[i];
        d.input.multiply({x, inputs, steps * batch}, {gates, 1, width});
        for (std::size_t n = 0; n < steps; ++n) {
            const auto t = d.backwards ? steps - 1 - n : n;
            d.recurrent.multiply({h, hidden, batch}, {recurrent, 1, width});
            for (std::size_t b = 0; b < batch; ++b) {
                const Unit unit{.gates = gates + (t * batch + b) * width,
                                .recurrent = recurrent + b * width,
                                .h = h + b * hidden,
                                .c = c == nullptr ? nullptr : c + i * state + b * hidden,
                                .scratch = scratch};
                switch (cell) {
                    case RecurrentCell::rnn:
                        step_rnn(d, unit);
                        break;
                    case RecurrentCell::gru:
                        step_gru(d, unit);
                        break;
                    case RecurrentCell::lstm:
                        step_lstm(d, unit);
                        break;
                }
            }
            std::copy_n(h, state, y + t * directions.size() * state);
        }
    }
}

}  // namespace sidetone::nn::native
