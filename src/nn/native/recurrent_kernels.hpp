// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "nn/native/packed_matrix.hpp"

namespace sidetone::nn::native {

/// One direction of a recurrent layer. Gates are rows of the matrices, with their biases.
struct Recurrence {
    std::size_t steps = 0, batch = 0, inputs = 0, hidden = 0;
    bool backwards = false;
    const PackedMatrix* input = nullptr;
    const PackedMatrix* recurrent = nullptr;
    const PackedMatrix* reset = nullptr;  ///< the last gate of a GRU that resets first; `recurrent` has the others
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
