// SPDX-License-Identifier: Apache-2.0
#include "operator_case.hpp"

namespace sidetone::nn::test {
namespace {

std::size_t recurrent(OperatorCase& c, std::int64_t gates, int states, int peepholes) {
    const auto steps = c.random.integer(1, 4);
    const auto batch = c.random.integer(1, 3);
    const auto inputs = c.random.integer(1, 9);
    const auto hidden = c.random.one_of<std::int64_t>({1, 4, 7, 16, 19});
    const std::string direction = c.random.one_of<const char*>({"forward", "reverse", "bidirectional"});
    const auto count = direction == "bidirectional" ? std::int64_t{2} : std::int64_t{1};
    c.dynamic_floats({steps, batch, inputs}, -1, 1);
    c.constant_floats({count, gates * hidden, inputs}, -1, 1);
    c.constant_floats({count, gates * hidden, hidden}, -0.5F, 0.5F);
    if (c.random.chance(0.7)) {
        c.constant_floats({count, 2 * gates * hidden}, -1, 1);
    } else {
        c.missing();
    }
    c.missing();
    for (int state = 0; state < states; ++state) {
        if (c.random.chance(0.6)) {
            c.dynamic_floats({count, batch, hidden}, -1, 1);
        } else {
            c.missing();
        }
    }
    if (peepholes > 0 && c.random.chance(0.5)) c.constant_floats({count, peepholes * hidden}, -1, 1);
    c.attribute("hidden_size", hidden);
    if (direction != "forward" || c.random.chance(0.5)) c.attribute("direction", direction);
    c.output(ElementType::f32);
    for (int state = 0; state < states; ++state) c.output(ElementType::f32);
    return static_cast<std::size_t>(count);
}

// Names of activations for one direction or two, with the parameters that they take.
void some_activations(OperatorCase& c, std::size_t count) {
    std::vector<std::string> names;
    std::vector<float> alphas;
    std::vector<float> betas;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name =
            c.random.one_of<const char*>({"Relu", "Tanh", "Sigmoid", "LeakyRelu", "ThresholdedRelu", "HardSigmoid",
                                          "Elu", "Softsign", "Softplus", "Affine", "ScaledTanh"});
        names.push_back(name);
        const bool has_beta = name == "HardSigmoid" || name == "Affine" || name == "ScaledTanh";
        if (has_beta || name == "LeakyRelu" || name == "ThresholdedRelu" || name == "Elu") {
            alphas.push_back(c.random.number(0.1F, 0.9F));
        }
        if (has_beta) betas.push_back(c.random.number(0.1F, 0.9F));
    }
    c.attribute("activations", names);
    if (!alphas.empty()) c.attribute("activation_alpha", alphas);
    if (!betas.empty()) c.attribute("activation_beta", betas);
}

// The default functions, or others; sums clipped, or not.
void recurrent_attributes(OperatorCase& c, std::size_t functions, std::size_t directions) {
    if (c.random.chance(0.4)) some_activations(c, functions * directions);
    if (c.random.chance(0.2)) c.attribute("clip", c.random.number(0.2F, 1));
}

// ONNX Runtime gives each direction of an RNN the parameters at its own place, used or not: here all use them.
void rnn(OperatorCase& c) {
    const auto directions = recurrent(c, 1, 1, 0);
    if (c.random.chance(0.2)) c.attribute("clip", c.random.number(0.2F, 1));
    if (c.random.chance(0.4)) return;
    if (c.random.chance(0.5)) {
        std::vector<std::string> names(directions, c.random.one_of<const char*>({"Relu", "Sigmoid", "Softsign"}));
        c.attribute("activations", names);
        return;
    }
    std::vector<std::string> names(directions, c.random.one_of<const char*>({"Affine", "HardSigmoid", "ScaledTanh"}));
    c.attribute("activations", names);
    c.attribute("activation_alpha", std::vector<float>(directions, c.random.number(0.1F, 0.9F)));
    c.attribute("activation_beta", std::vector<float>(directions, c.random.number(0.1F, 0.9F)));
}

void gru(OperatorCase& c) {
    recurrent(c, 3, 1, 0);
    if (c.random.chance(0.6)) c.attribute("linear_before_reset", c.random.integer(0, 1));
}

void general_gru(OperatorCase& c) {
    recurrent_attributes(c, 2, recurrent(c, 3, 1, 0));
    if (c.random.chance(0.6)) c.attribute("linear_before_reset", c.random.integer(0, 1));
}

void lstm(OperatorCase& c) {
    recurrent(c, 4, 2, 0);
}

void general_lstm(OperatorCase& c) {
    recurrent_attributes(c, 3, recurrent(c, 4, 2, 3));
    if (c.random.chance(0.3)) c.attribute("input_forget", std::int64_t{1});
}

}  // namespace

std::vector<OperatorRow> recurrent_rows() {
    return {
        {"GRU", {11, 14, 21}, gru, 36},           {"LSTM", {11, 14, 21}, lstm, 36},
        {"RNN", {11, 14, 21}, rnn, 48},           {"GRU", {11, 14, 21}, general_gru, 48},
        {"LSTM", {11, 14, 21}, general_lstm, 64},
    };
}

}  // namespace sidetone::nn::test
