// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "dsp/aligned_vector.hpp"
#include "nn/manifest.hpp"
#include "nn/session.hpp"

namespace sidetone::nn::test {

/// A session with memory for its tensors and states that ping-pong between two bindings, as GraphRunner has, but with
/// every output to be looked at.
class ComparedSession {
public:
    ComparedSession(const GraphSpec& graph, std::unique_ptr<Session> session)
        : graph_(graph), session_(std::move(session)) {
        for (const auto& tensor : graph_.inputs) inputs_.emplace_back(std::max<std::size_t>(tensor.bytes(), 1));
        for (const auto& tensor : graph_.outputs) outputs_.emplace_back(std::max<std::size_t>(tensor.bytes(), 1));
        for (const auto& constant : graph_.constants) {
            const auto value = static_cast<std::int64_t>(constant.value);
            std::memcpy(inputs_[index_of(graph_.inputs, constant.input)].data(), &value, sizeof value);
        }
        for (auto& memory : inputs_) in_.push_back(memory.data());
        for (auto& memory : outputs_) out_.push_back(memory.data());
        bindings_[0] = session_->bind(in_, out_);
        exchange();
        bindings_[1] = session_->bind(in_, out_);
        exchange();
    }

    [[nodiscard]] bool run() {
        if (turn_ == 1) exchange();
        const bool good = session_->run(bindings_[turn_]);
        for (std::size_t i = 0; i < out_.size(); ++i) last_[i] = out_[i];
        if (turn_ == 1) exchange();
        turn_ = 1 - turn_;
        return good;
    }

    [[nodiscard]] std::span<float> signal() { return input(graph_.input); }
    [[nodiscard]] std::span<float> input(const std::string& name) {
        const auto index = index_of(graph_.inputs, name);
        return {static_cast<float*>(in_[index]), graph_.inputs[index].elements()};
    }
    /// What the last run wrote.
    [[nodiscard]] std::span<const float> output(std::size_t index) const {
        return {static_cast<const float*>(last_[index]), graph_.outputs[index].elements()};
    }
    [[nodiscard]] const GraphSpec& graph() const { return graph_; }

private:
    static std::size_t index_of(std::span<const TensorInfo> tensors, const std::string& name) {
        return static_cast<std::size_t>(std::ranges::find(tensors, name, &TensorInfo::name) - tensors.begin());
    }
    void exchange() {
        for (const auto& state : graph_.states) {
            std::swap(in_[index_of(graph_.inputs, state.input)], out_[index_of(graph_.outputs, state.output)]);
        }
    }

    GraphSpec graph_;
    std::unique_ptr<Session> session_;
    std::vector<dsp::AlignedVector<std::byte>> inputs_, outputs_;
    std::vector<TensorMemory> in_, out_, last_ = std::vector<TensorMemory>(graph_.outputs.size());
    int bindings_[2] = {};
    std::size_t turn_ = 0;
};

/// Largest difference over the reference's largest value.
class Difference {
public:
    void add(std::span<const float> found, std::span<const float> expected) {
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const auto difference = std::abs(found[i] - expected[i]);
            if (!(difference <= largest_)) largest_ = difference;  // and when it is no number
            range_ = std::max(range_, std::abs(expected[i]));
        }
    }
    [[nodiscard]] float of_range() const { return range_ > 0 ? largest_ / range_ : largest_; }

private:
    float largest_ = 0, range_ = 0;
};

}  // namespace sidetone::nn::test
