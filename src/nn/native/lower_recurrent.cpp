// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>

#include "nn/native/general_recurrence.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/packed_matrix.hpp"
#include "nn/native/recurrent_kernels.hpp"
#include "nn/native/recurrent_weights.hpp"
#include "nn/native/small_gru.hpp"

namespace sidetone::nn::native {
namespace {

enum class Cell : std::uint8_t { gru, lstm };

/// Weights of one direction, packed as `Recurrence` wants them.
struct Direction {
    PackedMatrix input, recurrent, reset;
    bool backwards = false;
};

/// Operands: x, then initial h and c where they are given; then y, last h, last c (LSTM), scratch.
struct RecurrentKernel {
    Cell cell;
    bool linear_before_reset;
    std::size_t steps, batch, inputs, hidden;
    bool has_h, has_c;
    std::vector<Direction> directions;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        const std::size_t gates = cell == Cell::gru ? 3 : 4;
        return directions.size() * gates * hidden * (inputs + hidden) * steps * batch;
    }
    [[nodiscard]] std::size_t weight_bytes() const noexcept { return weight_bytes_of(directions); }
    [[nodiscard]] std::string_view weight_type() const noexcept { return weight_type_of(directions); }
    void round_weights() { round_weights_of(directions); }
    void operator()(void* const* p) const noexcept {
        const auto* x = static_cast<const float*>(*p++);
        const auto* h = has_h ? static_cast<const float*>(*p++) : nullptr;
        const auto* c = has_c ? static_cast<const float*>(*p++) : nullptr;
        auto* y = static_cast<float*>(*p++);
        auto* last_h = static_cast<float*>(*p++);
        auto* last_c = cell == Cell::lstm ? static_cast<float*>(*p++) : nullptr;
        auto* gates = static_cast<float*>(*p);
        const auto state = batch * hidden;
        for (std::size_t d = 0; d < directions.size(); ++d) {
            const auto& weights = directions[d];
            const Recurrence layer{.steps = steps,
                                   .batch = batch,
                                   .inputs = inputs,
                                   .hidden = hidden,
                                   .backwards = weights.backwards,
                                   .input = &weights.input,
                                   .recurrent = &weights.recurrent,
                                   .reset = &weights.reset};
            const RecurrenceMemory memory{.x = x,
                                          .initial_h = h == nullptr ? nullptr : h + d * state,
                                          .initial_c = c == nullptr ? nullptr : c + d * state,
                                          .y = y + d * state,
                                          .y_stride = directions.size() * state,
                                          .last_h = last_h + d * state,
                                          .last_c = last_c == nullptr ? nullptr : last_c + d * state,
                                          .gates = gates};
            if (cell == Cell::gru) {
                run_gru(layer, linear_before_reset, memory);
            } else {
                run_lstm(layer, memory);
            }
        }
    }
};

/// Operands: x, then initial h where it is given; then y and last h.
struct SmallGruKernel {
    SmallGru layer;
    bool has_h;

    [[nodiscard]] std::uint64_t multiply_adds() const noexcept {
        return layer.directions.size() * 3 * layer.hidden * (layer.inputs + layer.hidden) * layer.steps * layer.batch;
    }
    [[nodiscard]] std::size_t weight_bytes() const noexcept {
        return layer.directions.size() * layer.directions[0].weights.size() * sizeof(float);
    }
    void operator()(void* const* p) const noexcept {
        const auto* h = has_h ? static_cast<const float*>(p[1]) : nullptr;
        void* const* writes = p + (has_h ? 2 : 1);
        run_small_gru(layer, static_cast<const float*>(p[0]), h, static_cast<float*>(writes[0]),
                      static_cast<float*>(writes[1]));
    }
};

/// Rows of a matrix and of its bias.
PackedMatrix packed(std::span<const float> weights, std::span<const float> bias, std::size_t first, std::size_t rows,
                    std::size_t columns) {
    return {rows, columns, bias.subspan(first, rows),
            [&](std::size_t row, std::size_t k) { return weights[(first + row) * columns + k]; }};
}

/// What a node says of itself, checked.
struct Layer {
    std::size_t steps, batch, inputs, hidden, directions;
    bool is_reversed;            // the first direction
    std::vector<ValueId> reads;  // x and the initial states
    bool has_h, has_c;
    std::span<const float> input, recurrent;  // [directions, gates·hidden, ·]
    std::vector<float> biases;                // [directions, 2, gates·hidden]
    Shape y, state;

    /// Of one direction.
    struct Weights {
        std::span<const float> input, recurrent, input_bias, recurrent_bias;
        bool backwards;
    };
    [[nodiscard]] Weights weights(std::size_t direction) const {
        const auto rows = input.size() / directions / inputs;
        return {.input = input.subspan(direction * rows * inputs, rows * inputs),
                .recurrent = recurrent.subspan(direction * rows * hidden, rows * hidden),
                .input_bias = std::span{biases}.subspan(direction * 2 * rows, rows),
                .recurrent_bias = std::span{biases}.subspan(direction * 2 * rows + rows, rows),
                .backwards = direction == 1 || is_reversed};
    }
};

void read_initial_states(NodeLowering& node, Cell cell, Layer& layer) {
    layer.has_h = node.has_input(5);
    layer.has_c = cell == Cell::lstm && node.has_input(6);
    for (const std::size_t index : {5U, 6U}) {
        if (!(index == 5 ? layer.has_h : layer.has_c)) continue;
        if (node.shape(node.input(index)) != layer.state) node.refuse("its initial state does not fit");
        node.require_type(node.input(index), DataType::f32);
        layer.reads.push_back(node.input(index));
    }
}

Layer read_layer(NodeLowering& node, Cell cell) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto& shape = node.shape(x);
    const auto& w_shape = node.shape(node.input(1));
    const auto& r_shape = node.shape(node.input(2));
    const std::int64_t gates = cell == Cell::gru ? 3 : 4;
    if (shape.size() != 3 || w_shape.size() != 3 || r_shape.size() != 3 || elements_of(shape) == 0) {
        node.refuse("its inputs are not of three dimensions");
    }
    const auto direction = node.attribute_or<std::string>("direction", "forward");
    if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
        node.refuse("no such direction");
    }
    const std::int64_t count = direction == "bidirectional" ? 2 : 1;
    const auto hidden = r_shape[2];
    const auto width = gates * hidden;
    if (hidden == 0 || w_shape != Shape{count, width, shape[2]} || r_shape != Shape{count, width, hidden} ||
        node.attribute_or("hidden_size", hidden) != hidden) {
        node.refuse("its weights " + shape_text(w_shape) + " and " + shape_text(r_shape) + " do not fit");
    }
    if (!PackedMatrix::fits(static_cast<std::size_t>(width), static_cast<std::size_t>(shape[2] + hidden))) {
        node.refuse("its weights are beyond the limits");
    }
    Layer layer{.steps = static_cast<std::size_t>(shape[0]),
                .batch = static_cast<std::size_t>(shape[1]),
                .inputs = static_cast<std::size_t>(shape[2]),
                .hidden = static_cast<std::size_t>(hidden),
                .directions = static_cast<std::size_t>(count),
                .is_reversed = direction == "reverse",
                .reads = {x},
                .has_h = false,
                .has_c = false,
                .input = node.constant<float>(1),
                .recurrent = node.constant<float>(2),
                .biases = std::vector<float>(static_cast<std::size_t>(2 * count * width), 0.0F),
                .y = {shape[0], count, shape[1], hidden},
                .state = {count, shape[1], hidden}};
    if (node.has_input(3)) {
        const auto bias = node.constant<float>(3);
        if (bias.size() != layer.biases.size()) node.refuse("its bias does not fit");
        layer.biases.assign(bias.begin(), bias.end());
    }
    read_initial_states(node, cell, layer);
    return layer;
}

void lower_small_gru(NodeLowering& node, const Layer& layer) {
    SmallGruKernel kernel{{.steps = layer.steps, .batch = layer.batch, .inputs = layer.inputs, .hidden = layer.hidden},
                          layer.has_h};
    for (std::size_t d = 0; d < layer.directions; ++d) {
        const auto own = layer.weights(d);
        kernel.layer.add_direction(own.input, own.recurrent, own.input_bias, own.recurrent_bias, own.backwards);
    }
    const std::vector<ValueId> writes{node.add_value(DataType::f32, layer.y),
                                      node.add_value(DataType::f32, layer.state)};
    for (std::size_t i = 0; i < writes.size(); ++i) node.set_output(i, writes[i]);
    node.emit(std::move(kernel), layer.reads, writes);
}

void lower(NodeLowering& node, Cell cell) {
    const auto general = cell == Cell::gru ? RecurrentCell::gru : RecurrentCell::lstm;
    if (needs_general_recurrence(node, general)) return lower_general_recurrence(node, general);
    const auto layer = read_layer(node, cell);
    const bool resets_first = cell == Cell::gru && node.attribute_or<std::int64_t>("linear_before_reset", 0) == 0;
    if (cell == Cell::gru && !resets_first && layer.hidden <= SmallGru::kMaxHidden) {
        return lower_small_gru(node, layer);
    }
    RecurrentKernel kernel{.cell = cell,
                           .linear_before_reset = !resets_first,
                           .steps = layer.steps,
                           .batch = layer.batch,
                           .inputs = layer.inputs,
                           .hidden = layer.hidden,
                           .has_h = layer.has_h,
                           .has_c = layer.has_c,
                           .directions = {}};
    const std::size_t rows = (cell == Cell::gru ? 3 : 4) * layer.hidden;
    const auto plain = resets_first ? 2 * layer.hidden : rows;
    for (std::size_t d = 0; d < layer.directions; ++d) {
        const auto own = layer.weights(d);
        kernel.directions.push_back(
            {.input = packed(own.input, own.input_bias, 0, rows, layer.inputs),
             .recurrent = packed(own.recurrent, own.recurrent_bias, 0, plain, layer.hidden),
             .reset = packed(own.recurrent, own.recurrent_bias, plain, rows - plain, layer.hidden),
             .backwards = own.backwards});
    }
    std::vector<ValueId> writes{node.add_value(DataType::f32, layer.y), node.add_value(DataType::f32, layer.state)};
    if (cell == Cell::lstm) writes.push_back(node.add_value(DataType::f32, layer.state));
    for (std::size_t i = 0; i < writes.size(); ++i) node.set_output(i, writes[i]);
    writes.push_back(node.add_value(DataType::f32, {layer.y[0] + 2, layer.y[2], static_cast<std::int64_t>(rows)}));
    node.emit(std::move(kernel), layer.reads, writes);
}

void lower_gru(NodeLowering& node) {
    lower(node, Cell::gru);
}

void lower_lstm(NodeLowering& node) {
    lower(node, Cell::lstm);
}

constexpr Operator kOperators[] = {{"GRU", lower_gru}, {"LSTM", lower_lstm}};

}  // namespace

std::span<const Operator> recurrent_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
