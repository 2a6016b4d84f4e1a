// SPDX-License-Identifier: Apache-2.0
#include "nn/graph_runner.hpp"

#include <algorithm>
#include <cstring>

namespace sidetone::nn {
namespace {

std::size_t index_of(std::span<const TensorInfo> tensors, const std::string& name) {
    return static_cast<std::size_t>(std::ranges::find(tensors, name, &TensorInfo::name) - tensors.begin());
}

template <class T>
void fill(TensorMemory memory, std::size_t elements, double value) {
    std::fill_n(static_cast<T*>(memory), elements, static_cast<T>(value));
}

void fill(const TensorInfo& tensor, TensorMemory memory, double value) {
    switch (tensor.type) {
        case ElementType::f32:
            return fill<float>(memory, tensor.elements(), value);
        case ElementType::i64:
            return fill<std::int64_t>(memory, tensor.elements(), value);
        case ElementType::i32:
            return fill<std::int32_t>(memory, tensor.elements(), value);
        case ElementType::i8:
            return fill<std::int8_t>(memory, tensor.elements(), value);
        case ElementType::u8:
            return fill<std::uint8_t>(memory, tensor.elements(), value);
    }
}

std::vector<TensorMemory> allocate(std::span<const TensorInfo> tensors, rt::Arena& arena) {
    std::vector<TensorMemory> memory;
    for (const auto& tensor : tensors) memory.push_back(arena.allocate<std::byte>(tensor.bytes()).data());
    return memory;
}

}  // namespace

std::size_t GraphRunner::arena_bytes(const GraphSpec& graph) {
    std::size_t bytes = 0;
    for (const auto& tensor : graph.inputs) bytes += tensor.bytes() + rt::kCacheLine;
    for (const auto& tensor : graph.outputs) bytes += tensor.bytes() + rt::kCacheLine;
    return bytes;
}

GraphRunner::GraphRunner(const GraphSpec& graph, std::unique_ptr<Session> session, rt::Arena& arena,
                         std::span<const TensorPlace> shared)
    : session_(std::move(session)) {
    auto inputs = allocate(session_->inputs(), arena);
    auto outputs = allocate(session_->outputs(), arena);
    for (const auto& input : shared) inputs[index_of(session_->inputs(), input.name)] = input.memory;
    input_ = static_cast<float*>(inputs[index_of(session_->inputs(), graph.input)]);
    output_ = static_cast<float*>(outputs[index_of(session_->outputs(), graph.output)]);
    for (const auto& constant : graph.constants) {
        const auto index = index_of(session_->inputs(), constant.input);
        fill(session_->inputs()[index], inputs[index], constant.value);
    }
    const auto is_state = [&](const std::string& name) {
        return std::ranges::any_of(graph.states,
                                   [&](const StateSpec& state) { return state.input == name || state.output == name; });
    };
    const auto remember = [&](std::span<const TensorInfo> tensors, std::span<const TensorMemory> memory) {
        for (std::size_t i = 0; i < tensors.size(); ++i) {
            if (is_state(tensors[i].name) || tensors[i].type != ElementType::f32) continue;
            tensors_.push_back(TensorPlace{tensors[i].name, static_cast<float*>(memory[i])});
        }
    };
    remember(session_->inputs(), inputs);
    remember(session_->outputs(), outputs);
    bindings_[0] = session_->bind(inputs, outputs);
    for (const auto& state : graph.states) {
        auto& read = inputs[index_of(session_->inputs(), state.input)];
        auto& written = outputs[index_of(session_->outputs(), state.output)];
        const auto bytes = session_->inputs()[index_of(session_->inputs(), state.input)].bytes();
        states_.emplace_back(static_cast<std::byte*>(read), bytes);
        states_.emplace_back(static_cast<std::byte*>(written), bytes);
        std::swap(read, written);
    }
    bindings_[1] = states_.empty() ? bindings_[0] : session_->bind(inputs, outputs);
}

float* GraphRunner::tensor(const std::string& name) const {
    const auto found = std::ranges::find(tensors_, name, &TensorPlace::name);
    return found == tensors_.end() ? nullptr : found->memory;
}

bool GraphRunner::run() noexcept {
    const bool good = session_->run(bindings_[turn_]);
    turn_ = 1 - turn_;
    return good;
}

void GraphRunner::reset() noexcept {
    for (const auto state : states_) std::memset(state.data(), 0, state.size());
    turn_ = 0;
}

}  // namespace sidetone::nn
