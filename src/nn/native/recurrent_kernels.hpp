// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sidetone::nn::native {

/// One direction of a recurrent layer. Weights lie transposed, [inputs, gates·hidden] and [hidden, gates·hidden], so
/// that vectors lie along the gates.
struct Recurrence {
    std::size_t steps = 0, batch = 0, inputs = 0, hidden = 0;
    bool backwards = false;
    const float* input_weights = nullptr;
    const float* recurrent_weights = nullptr;
    const float* input_bias = nullptr;      ///< gates·hidden
    const float* recurrent_bias = nullptr;  ///< gates·hidden
};

/// Where one direction reads and writes. `y` may be null; its steps are `y_stride` elements apart.
struct RecurrenceMemory {
    const float* x;          ///< [steps, batch, inputs]
    const float* initial_h;  ///< [batch, hidden]; null: zeros
    const float* initial_c;  ///< LSTM only
    float* y;                ///< [steps, ·, batch, hidden]
    std::size_t y_stride;
    float* last_h;  ///< [batch, hidden]
    float* last_c;  ///< LSTM only
    float* gates;   ///< scratch, (steps + 1)·batch·gates·hidden
};

/// Gates in the order z, r, h. `linear_before_reset`: the reset gate scales the recurrent product, else the state.
/// When it is false, `memory.gates` has batch·hidden elements more.
void run_gru(const Recurrence& layer, bool linear_before_reset, const RecurrenceMemory& memory) noexcept;

/// Gates in the order i, o, f, c; no peepholes.
void run_lstm(const Recurrence& layer, const RecurrenceMemory& memory) noexcept;

}  // namespace sidetone::nn::native
