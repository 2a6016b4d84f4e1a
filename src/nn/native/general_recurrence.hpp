// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "nn/native/elementwise_kernels.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/packed_matrix.hpp"
#include "nn/native/recurrent_weights.hpp"

namespace sidetone::nn::native {

enum class RecurrentCell : std::uint8_t { rnn, gru, lstm };

[[nodiscard]] constexpr std::size_t gates_of(RecurrentCell cell) noexcept {
    return cell == RecurrentCell::rnn ? 1 : cell == RecurrentCell::gru ? 3 : 4;
}

/// after·f(before·x) + shift, with the parameters a and b of f.
struct RecurrentActivation {
    Unary f = Unary::tanh;
    float a = 0, b = 0, before = 1, after = 1, shift = 0;

    void apply(float* x, std::size_t count) const noexcept;
};

/// A recurrent layer with all that ONNX lets it have: for what `Recurrence` and `SmallGru`, which are faster, leave
/// out.
///
/// Operands: x [steps, batch, inputs], then initial h and c [directions, batch, hidden] where they are given; then y
/// [steps, directions, batch, hidden], last h, last c (LSTM), scratch of `scratch_elements()`.
struct GeneralRecurrence {
    struct Direction {
        PackedMatrix input, recurrent, reset;  ///< as in `Recurrence`; `reset` of a GRU that resets first
        std::vector<RecurrentActivation> activations;
        std::vector<float> peepholes;  ///< [3, hidden] for the gates i, o and f, or none
        bool backwards = false;
    };

    RecurrentCell cell = RecurrentCell::rnn;
    bool linear_before_reset = false, couples_gates = false;
    std::optional<float> clip;
    std::size_t steps = 0, batch = 0, inputs = 0, hidden = 0;
    bool has_h = false, has_c = false;
    std::vector<Direction> directions;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        return directions.size() * gates_of(cell) * hidden * (inputs + hidden) * steps * batch;
    }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return weight_bytes_of(directions); }
    [[nodiscard]] std::string_view weight_type() const noexcept { return weight_type_of(directions); }
    void round_weights() { round_weights_of(directions); }
    [[nodiscard]] std::size_t scratch_elements() const noexcept {
        return (steps + 1) * batch * gates_of(cell) * hidden + 2 * hidden;
    }
    void operator()(void* const* p) const noexcept;

private:
    /// What a step of one sequence works on.
    struct Unit {
        float* gates;            ///< from the input, with its biases; then what becomes of them
        const float* recurrent;  ///< from the state, with its biases
        float* h;
        float* c;
        float* scratch;  ///< 2·hidden
    };

    void activate(const RecurrentActivation& f, float* x) const noexcept;
    void step_rnn(const Direction& d, const Unit& u) const noexcept;
    void step_gru(const Direction& d, const Unit& u) const noexcept;
    void step_lstm(const Direction& d, const Unit& u) const noexcept;
};

/// True where a node asks for more than the faster layers have.
[[nodiscard]] bool needs_general_recurrence(const NodeLowering& node, RecurrentCell cell);

/// RNN, GRU and LSTM with all their attributes and inputs, but for sequences of different lengths.
void lower_general_recurrence(NodeLowering& node, RecurrentCell cell);

}  // namespace sidetone::nn::native
