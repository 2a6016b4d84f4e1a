// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <string>

#include "nn/native/lowering.hpp"
#include "nn/native/packed_matrix.hpp"
#include "nn/native/recurrent_kernels.hpp"

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
    [[nodiscard]] std::size_t weight_bytes() const noexcept {
        std::size_t bytes = 0;
        for (const auto& d : directions) bytes += d.input.bytes() + d.recurrent.bytes() + d.reset.bytes();
        return bytes;
    }
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

/// Rows of a matrix and of its bias.
PackedMatrix packed(std::span<const float> weights, std::span<const float> bias, std::size_t first, std::size_t rows,
                    std::size_t columns) {
    return {rows, columns, bias.subspan(first, rows),
            [&](std::size_t row, std::size_t k) { return weights[(first + row) * columns + k]; }};
}

void check_attributes(const NodeLowering& node, Cell cell, std::size_t directions) {
    const auto refuse_unless = [&](bool good, const char* what) {
        if (!good) node.refuse(std::string{what} + " not in the native executor");
    };
    refuse_unless(node.attribute_or<std::int64_t>("layout", 0) == 0, "batch first is");
    refuse_unless(!node.attribute<float>("clip"), "clipped cells are");
    refuse_unless(!node.has_input(4), "sequences of different lengths are");
    refuse_unless(node.attribute_or<std::int64_t>("input_forget", 0) == 0, "coupled gates are");
    refuse_unless(!node.has_input(7), "peepholes are");
    const std::vector<std::string> one = cell == Cell::gru ? std::vector<std::string>{"sigmoid", "tanh"}
                                                           : std::vector<std::string>{"sigmoid", "tanh", "tanh"};
    std::vector<std::string> usual;
    for (std::size_t d = 0; d < directions; ++d) usual.insert(usual.end(), one.begin(), one.end());
    auto activations = node.attribute_or("activations", usual);
    for (auto& name : activations) {
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    refuse_unless(activations == usual, "activations other than the usual ones are");
}

void lower(NodeLowering& node, Cell cell) {
    const auto x = node.input(0);
    node.require_type(x, DataType::f32);
    const auto& shape = node.shape(x);
    const auto& w_shape = node.shape(node.input(1));
    const auto& r_shape = node.shape(node.input(2));
    const std::size_t gates = cell == Cell::gru ? 3 : 4;
    if (shape.size() != 3 || w_shape.size() != 3 || r_shape.size() != 3 || elements_of(shape) == 0) {
        node.refuse("its inputs are not of three dimensions");
    }
    const auto direction = node.attribute_or<std::string>("direction", "forward");
    if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
        node.refuse("no such direction");
    const std::int64_t count = direction == "bidirectional" ? 2 : 1;
    const auto hidden = r_shape[2];
    const auto width = static_cast<std::int64_t>(gates) * hidden;
    if (hidden == 0 || w_shape != Shape{count, width, shape[2]} || r_shape != Shape{count, width, hidden} ||
        node.attribute_or("hidden_size", hidden) != hidden) {
        node.refuse("its weights " + shape_text(w_shape) + " and " + shape_text(r_shape) + " do not fit");
    }
    if (!PackedMatrix::fits(static_cast<std::size_t>(width), static_cast<std::size_t>(shape[2] + hidden))) {
        node.refuse("its weights are beyond the limits");
    }
    check_attributes(node, cell, static_cast<std::size_t>(count));
    RecurrentKernel kernel{.cell = cell,
                           .linear_before_reset = node.attribute_or<std::int64_t>("linear_before_reset", 0) != 0,
                           .steps = static_cast<std::size_t>(shape[0]),
                           .batch = static_cast<std::size_t>(shape[1]),
                           .inputs = static_cast<std::size_t>(shape[2]),
                           .hidden = static_cast<std::size_t>(hidden),
                           .has_h = node.has_input(5),
                           .has_c = cell == Cell::lstm && node.has_input(6),
                           .directions = {}};
    const auto rows = gates * kernel.hidden;
    const auto w = node.constant<float>(1);
    const auto r = node.constant<float>(2);
    const std::vector<float> zeros(static_cast<std::size_t>(count) * 2 * rows, 0.0F);
    const auto bias = node.has_input(3) ? node.constant<float>(3) : std::span<const float>{zeros};
    if (bias.size() != zeros.size()) node.refuse("its bias does not fit");
    for (std::size_t d = 0; d < static_cast<std::size_t>(count); ++d) {
        const auto input = w.subspan(d * rows * kernel.inputs);
        const auto recurrent = r.subspan(d * rows * kernel.hidden);
        const auto input_bias = bias.subspan(d * 2 * rows, rows);
        const auto recurrent_bias = bias.subspan(d * 2 * rows + rows, rows);
        const bool resets_first = cell == Cell::gru && !kernel.linear_before_reset;
        const auto plain = resets_first ? 2 * kernel.hidden : rows;
        kernel.directions.push_back({.input = packed(input, input_bias, 0, rows, kernel.inputs),
                                     .recurrent = packed(recurrent, recurrent_bias, 0, plain, kernel.hidden),
                                     .reset = packed(recurrent, recurrent_bias, plain, rows - plain, kernel.hidden),
                                     .backwards = d == 1 || direction == "reverse"});
    }
    const Shape state{count, shape[1], hidden};
    std::vector<ValueId> reads{x};
    for (const std::size_t index : {5U, 6U}) {
        if (!(index == 5 ? kernel.has_h : kernel.has_c)) continue;
        if (node.shape(node.input(index)) != state) node.refuse("its initial state does not fit");
        node.require_type(node.input(index), DataType::f32);
        reads.push_back(node.input(index));
    }
    std::vector<ValueId> writes{node.add_value(DataType::f32, {shape[0], count, shape[1], hidden}),
                                node.add_value(DataType::f32, state)};
    if (cell == Cell::lstm) writes.push_back(node.add_value(DataType::f32, state));
    for (std::size_t i = 0; i < writes.size(); ++i) node.set_output(i, writes[i]);
    writes.push_back(node.add_value(DataType::f32, {shape[0] + 2, shape[1], width}));
    node.emit(std::move(kernel), reads, writes);
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
