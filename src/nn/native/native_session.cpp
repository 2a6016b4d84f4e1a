// SPDX-License-Identifier: Apache-2.0
#include "nn/native/native_session.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <new>

#include "nn/native/compile.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

using native::Program;

class NativeSession final : public Session {
public:
    NativeSession(const GraphSpec& graph, Program program);

    [[nodiscard]] std::span<const TensorInfo> inputs() const noexcept override { return inputs_; }
    [[nodiscard]] std::span<const TensorInfo> outputs() const noexcept override { return outputs_; }
    [[nodiscard]] int bind(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) override;
    [[nodiscard]] bool run(int binding) noexcept override;
    void rehearse(int binding, const rt::Rehearsal& rehearsal) noexcept override;
    [[nodiscard]] const char* last_error() const noexcept override { return ""; }
    [[nodiscard]] const char* backend() const noexcept override { return "native"; }
    [[nodiscard]] bool is_realtime_safe() const noexcept override { return true; }

private:
    void check_memory(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) const;

    struct Call {
        void (*run)(const void* kernel, void* const* operands) noexcept;
        const void* kernel;
        std::size_t first_operand;
    };

    std::vector<TensorInfo> inputs_, outputs_;
    Program program_;
    native::Bytes arena_;
    std::vector<Call> calls_;
    std::vector<std::vector<void*>> operands_;  // of all calls, one list per binding
};

NativeSession::NativeSession(const GraphSpec& graph, Program program)
    : inputs_(graph.inputs),
      outputs_(graph.outputs),
      program_(std::move(program)),
      // Written, so that no page of it is met for the first time on the audio thread.
      arena_(program_.arena_bytes, native::ProgramAllocator<std::byte>{program_.memory.get()}) {
    std::size_t operand = 0;
    for (const auto& step : program_.steps) {
        calls_.push_back({step.run, step.kernel.get(), operand});
        operand += step.operands.size();
    }
}

int NativeSession::bind(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) {
    check_memory(inputs, outputs);
    operands_.push_back(native::operands_of(program_, arena_, inputs, outputs));
    return static_cast<int>(operands_.size()) - 1;
}

// What is written must overlap nothing else; what is only read may.
void NativeSession::check_memory(std::span<const TensorMemory> inputs, std::span<const TensorMemory> outputs) const {
    struct Place {
        const TensorInfo* tensor;
        std::uintptr_t begin, end;
        bool is_written;
    };
    std::vector<Place> places;
    const auto add = [&](std::span<const TensorInfo> tensors, std::span<const TensorMemory> memory, bool is_written) {
        if (tensors.size() != memory.size()) throw InputError{"a binding needs memory for every input and output"};
        for (std::size_t i = 0; i < tensors.size(); ++i) {
            const auto begin = reinterpret_cast<std::uintptr_t>(memory[i]);
            if (begin == 0) throw InputError{fmt::format("tensor \"{}\" is bound to no memory", tensors[i].name)};
            places.push_back({&tensors[i], begin, begin + tensors[i].bytes(), is_written});
        }
    };
    add(inputs_, inputs, false);
    add(outputs_, outputs, true);
    for (const auto& a : places) {
        for (const auto& b : places) {
            if (!a.is_written || &a == &b || a.begin >= b.end || b.begin >= a.end) continue;
            throw InputError{
                fmt::format("the memory of output \"{}\" and of \"{}\" overlaps", a.tensor->name, b.tensor->name)};
        }
    }
}

bool NativeSession::run(int binding) noexcept {
    void* const* operands = operands_[static_cast<std::size_t>(binding)].data();
    for (const auto& call : calls_) call.run(call.kernel, operands + call.first_operand);
    return true;
}

// A run reads inputs and writes outputs, so that another one before it leaves no trace.
void NativeSession::rehearse(int binding, const rt::Rehearsal& rehearsal) noexcept {
    void* const* operands = operands_[static_cast<std::size_t>(binding)].data();
    for (const auto& call : calls_) {
        if (rehearsal.is_over()) return;
        call.run(call.kernel, operands + call.first_operand);
    }
}

}  // namespace

std::unique_ptr<Session> open_native_session(const GraphSpec& graph, const std::filesystem::path& file) {
    return open_native_session(graph, file, std::numeric_limits<std::uint64_t>::max());
}

std::unique_ptr<Session> open_native_session(const GraphSpec& graph, const std::filesystem::path& file,
                                             std::uint64_t most_multiply_adds) {
    try {
        auto program = native::compile(graph, file);
        std::uint64_t count = 0;
        for (const auto& step : program.steps) count += step.multiply_adds;
        if (count > most_multiply_adds) {
            throw InputError{fmt::format(
                "{}: a run takes {:.0f} million multiply-adds, and it is made for up to {:.0f}", file.string(),
                static_cast<double>(count) / 1e6, static_cast<double>(most_multiply_adds) / 1e6)};
        }
        return std::make_unique<NativeSession>(graph, std::move(program));
    } catch (const std::bad_alloc&) {
        throw InputError{fmt::format("{}: there is not enough memory for it", file.string())};
    }
}

}  // namespace sidetone::nn
