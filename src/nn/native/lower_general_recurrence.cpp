// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <string>

#include "nn/native/general_recurrence.hpp"
#include "nn/native/strided_part.hpp"

namespace sidetone::nn::native {
namespace {

using Names = std::vector<std::string>;
using Floats = std::vector<float>;

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

Names usual_activations(RecurrentCell cell, std::size_t directions) {
    Names names;
    for (std::size_t i = 0; i < directions; ++i) {
        if (cell != RecurrentCell::rnn) names.emplace_back("sigmoid");
        names.emplace_back("tanh");
        if (cell == RecurrentCell::lstm) names.emplace_back("tanh");
    }
    return names;
}

Names activations_of(const NodeLowering& node, RecurrentCell cell, std::size_t directions) {
    auto names = node.attribute_or("activations", usual_activations(cell, directions));
    for (auto& name : names) name = lower_case(name);
    return names;
}

std::size_t directions_of(const NodeLowering& node) {
    return node.attribute_or<std::string>("direction", "forward") == "bidirectional" ? 2 : 1;
}

/// Hands out the numbers of a list in their order, then a default.
struct Parameters {
    Floats values;
    std::size_t used = 0;

    float next(float otherwise) { return used < values.size() ? values[used++] : otherwise; }
};

RecurrentActivation activation(const NodeLowering& node, const std::string& name, Parameters& alphas,
                               Parameters& betas) {
    if (name == "sigmoid") return {.f = Unary::sigmoid};
    if (name == "tanh") return {.f = Unary::tanh};
    if (name == "relu") return {.f = Unary::relu};
    if (name == "softsign") return {.f = Unary::softsign};
    if (name == "softplus") return {.f = Unary::softplus};
    if (name == "leakyrelu") return {.f = Unary::leaky_relu, .a = alphas.next(0.01F)};
    if (name == "thresholdedrelu") return {.f = Unary::threshold, .a = alphas.next(1.0F)};
    if (name == "elu") return {.f = Unary::elu, .a = alphas.next(1.0F), .b = 1.0F};
    if (name == "hardsigmoid") return {.f = Unary::hard_sigmoid, .a = alphas.next(0.2F), .b = betas.next(0.5F)};
    if (name == "affine") return {.f = Unary::identity, .after = alphas.next(1.0F), .shift = betas.next(0.0F)};
    if (name == "scaledtanh") {
        const auto after = alphas.next(1.0F);
        return {.f = Unary::tanh, .before = betas.next(1.0F), .after = after};
    }
    node.refuse("activation \"" + name + "\" is not in the native executor");
}

PackedMatrix packed(std::span<const float> weights, std::span<const float> bias, std::size_t first, std::size_t rows,
                    std::size_t columns) {
    return {rows, columns, bias.subspan(first, rows),
            [&](std::size_t row, std::size_t k) { return weights[(first + row) * columns + k]; }};
}

/// Inputs and outputs in the order of the kernel: axes 0 and 1 are exchanged where the batch comes first.
ValueId exchanged(NodeLowering& node, ValueId x, bool is_exchanged) {
    if (!is_exchanged) return x;
    auto shape = node.shape(x);
    auto strides = contiguous_strides(shape);
    std::swap(shape[0], shape[1]);
    std::swap(strides[0], strides[1]);
    return emit_part(node, x, shape, strides);
}

// From [steps, directions, batch, hidden] to [batch, steps, directions, hidden].
ValueId batch_first(NodeLowering& node, ValueId y) {
    const auto& shape = node.shape(y);
    const auto strides = contiguous_strides(shape);
    return emit_part(node, y, {shape[2], shape[0], shape[1], shape[3]},
                     {strides[2], strides[0], strides[1], strides[3]});
}

/// What a node says of itself, checked.
struct Layer {
    GeneralRecurrence kernel;
    std::vector<ValueId> reads;
    Shape y, state;
    bool is_batch_first;
};

Layer read_shapes(NodeLowering& node, RecurrentCell cell) {
    const bool is_batch_first = node.attribute_or<std::int64_t>("layout", 0) != 0;
    node.require_type(node.input(0), DataType::f32);
    if (node.shape(node.input(0)).size() != 3) node.refuse("its inputs are not of three dimensions");
    const auto x = exchanged(node, node.input(0), is_batch_first);
    const auto shape = node.shape(x);
    const auto& w_shape = node.shape(node.input(1));
    const auto& r_shape = node.shape(node.input(2));
    const auto directions = static_cast<std::int64_t>(directions_of(node));
    if (r_shape.size() != 3 || elements_of(shape) == 0) node.refuse("its inputs are not of three dimensions");
    const auto hidden = r_shape[2];
    const auto width = static_cast<std::int64_t>(gates_of(cell)) * hidden;
    if (hidden == 0 || w_shape != Shape{directions, width, shape[2]} || r_shape != Shape{directions, width, hidden} ||
        node.attribute_or("hidden_size", hidden) != hidden) {
        node.refuse("its weights " + shape_text(w_shape) + " and " + shape_text(r_shape) + " do not fit");
    }
    if (!PackedMatrix::fits(static_cast<std::size_t>(width), static_cast<std::size_t>(shape[2] + hidden))) {
        node.refuse("its weights are beyond the limits");
    }
    Layer layer{.kernel = {},
                .reads = {x},
                .y = {shape[0], directions, shape[1], hidden},
                .state = {directions, shape[1], hidden},
                .is_batch_first = is_batch_first};
    auto& kernel = layer.kernel;
    kernel.cell = cell;
    kernel.steps = static_cast<std::size_t>(shape[0]);
    kernel.batch = static_cast<std::size_t>(shape[1]);
    kernel.inputs = static_cast<std::size_t>(shape[2]);
    kernel.hidden = static_cast<std::size_t>(hidden);
    return layer;
}

void read_initial_states(NodeLowering& node, Layer& layer) {
    auto& kernel = layer.kernel;
    kernel.has_h = node.has_input(5);
    kernel.has_c = kernel.cell == RecurrentCell::lstm && node.has_input(6);
    for (const std::size_t index : {5U, 6U}) {
        if (!(index == 5 ? kernel.has_h : kernel.has_c)) continue;
        node.require_type(node.input(index), DataType::f32);
        if (node.shape(node.input(index)).size() != 3) node.refuse("its initial state does not fit");
        const auto state = exchanged(node, node.input(index), layer.is_batch_first);
        if (node.shape(state) != layer.state) node.refuse("its initial state does not fit");
        layer.reads.push_back(state);
    }
}

void read_attributes(const NodeLowering& node, GeneralRecurrence& kernel) {
    const auto direction = node.attribute_or<std::string>("direction", "forward");
    if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
        node.refuse("no such direction");
    }
    if (node.has_input(4)) {
        const auto lengths = node.constant_integers(4);
        if (!std::ranges::all_of(
                lengths, [&](std::int64_t length) { return length == static_cast<std::int64_t>(kernel.steps); })) {
            node.refuse("sequences of different lengths are not in the native executor");
        }
    }
    kernel.linear_before_reset = node.attribute_or<std::int64_t>("linear_before_reset", 0) != 0;
    kernel.couples_gates = node.attribute_or<std::int64_t>("input_forget", 0) != 0;
    kernel.clip = node.attribute<float>("clip");
    if (kernel.clip && !(*kernel.clip > 0)) node.refuse("its clip is not above 0");
}

// Weights, activations and peepholes of each direction.
void read_directions(const NodeLowering& node, GeneralRecurrence& kernel) {
    const auto count = directions_of(node);
    const auto rows = gates_of(kernel.cell) * kernel.hidden;
    const auto plain = kernel.cell == RecurrentCell::gru && !kernel.linear_before_reset ? 2 * kernel.hidden : rows;
    const auto names = activations_of(node, kernel.cell, count);
    const auto each = usual_activations(kernel.cell, 1).size();
    if (names.size() != each * count) node.refuse("its activations are not one for every use");
    Parameters alphas{node.attribute_or("activation_alpha", Floats{})};
    Parameters betas{node.attribute_or("activation_beta", Floats{})};
    const auto input = node.constant<float>(1);
    const auto recurrent = node.constant<float>(2);
    Floats biases(count * 2 * rows, 0.0F);
    if (node.has_input(3)) {
        const auto given = node.constant<float>(3);
        if (given.size() != biases.size()) node.refuse("its bias does not fit");
        biases.assign(given.begin(), given.end());
    }
    const bool has_peepholes = kernel.cell == RecurrentCell::lstm && node.has_input(7);
    const auto peepholes = has_peepholes ? node.constant<float>(7) : std::span<const float>{};
    if (has_peepholes && peepholes.size() != count * 3 * kernel.hidden) node.refuse("its peepholes do not fit");
    for (std::size_t d = 0; d < count; ++d) {
        const auto w = input.subspan(d * rows * kernel.inputs);
        const auto r = recurrent.subspan(d * rows * kernel.hidden);
        const auto w_bias = std::span{biases}.subspan(d * 2 * rows, rows);
        const auto r_bias = std::span{biases}.subspan(d * 2 * rows + rows, rows);
        GeneralRecurrence::Direction made{
            .input = packed(w, w_bias, 0, rows, kernel.inputs),
            .recurrent = packed(r, r_bias, 0, plain, kernel.hidden),
            .reset = packed(r, r_bias, plain, rows - plain, kernel.hidden),
            .activations = {},
            .peepholes = {},
            .backwards = d == 1 || node.attribute_or<std::string>("direction", "") == "reverse"};
        for (std::size_t i = 0; i < each; ++i) {
            made.activations.push_back(activation(node, names[d * each + i], alphas, betas));
        }
        if (has_peepholes) {
            const auto own = peepholes.subspan(d * 3 * kernel.hidden, 3 * kernel.hidden);
            made.peepholes.assign(own.begin(), own.end());
        }
        kernel.directions.push_back(std::move(made));
    }
}

void lower_rnn(NodeLowering& node) {
    lower_general_recurrence(node, RecurrentCell::rnn);
}

constexpr Operator kOperators[] = {{"RNN", lower_rnn}};

}  // namespace

bool needs_general_recurrence(const NodeLowering& node, RecurrentCell cell) {
    const auto directions = directions_of(node);
    return node.attribute_or<std::int64_t>("layout", 0) != 0 || node.attribute<float>("clip") || node.has_input(4) ||
           node.attribute_or<std::int64_t>("input_forget", 0) != 0 || node.has_input(7) ||
           activations_of(node, cell, directions) != usual_activations(cell, directions);
}

void lower_general_recurrence(NodeLowering& node, RecurrentCell cell) {
    auto layer = read_shapes(node, cell);
    read_initial_states(node, layer);
    read_attributes(node, layer.kernel);
    read_directions(node, layer.kernel);
    std::vector<ValueId> writes{node.add_value(DataType::f32, layer.y), node.add_value(DataType::f32, layer.state)};
    if (cell == RecurrentCell::lstm) writes.push_back(node.add_value(DataType::f32, layer.state));
    const auto results = writes;
    const auto scratch = static_cast<std::int64_t>(layer.kernel.scratch_elements());
    writes.push_back(node.add_value(DataType::f32, {scratch}));
    node.emit(std::move(layer.kernel), std::move(layer.reads), writes);
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (!layer.is_batch_first) {
            node.set_output(i, results[i]);
        } else if (node.has_output(i)) {
            node.set_output(i, i == 0 ? batch_first(node, results[0]) : exchanged(node, results[i], true));
        }
    }
}

std::span<const Operator> general_recurrent_operators() {
    return kOperators;
}

}  // namespace sidetone::nn::native
