// SPDX-License-Identifier: Apache-2.0
#include "nn/native/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "nn/native/fuse_epilogues.hpp"
#include "nn/native/import.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/memory_plan.hpp"
#include "nn/native/round_weights.hpp"
#include "nn/native/share_storage.hpp"
#include "nn/tensor_check.hpp"
#include "rt/error.hpp"

namespace sidetone::nn::native {
namespace {

// A tensor that the file gives no shape takes the manifest's.
std::vector<FileTensor> with_known_shapes(std::vector<FileTensor> tensors, std::span<const TensorInfo> declared) {
    for (auto& tensor : tensors) {
        if (tensor.shape != kUnknownShape) continue;
        const auto found = std::ranges::find(declared, tensor.name, &TensorInfo::name);
        if (found != declared.end()) tensor.shape = found->shape;
    }
    return tensors;
}

// Moves what runs read into one piece of memory, in the order in which they read it.
void settle(Program& program) {
    constexpr std::size_t kKernelBytes = 256;  // more or less, without what it lists
    auto bytes = program.arena_bytes;
    for (const auto& step : program.steps) bytes += kKernelBytes + step.weight_bytes;
    for (const auto& storage : program.storages) bytes += storage.constant.size();
    program.memory = std::make_shared<ProgramMemory>(bytes);
    const ProgramMemory::Scope scope{*program.memory};
    std::vector<bool> is_settled(program.storages.size());
    for (auto& step : program.steps) {
        step.kernel = step.clone(step.kernel.get());
        for (const auto id : step.operands) {
            const auto at = program.values[id].storage;
            auto& constant = program.storages[at].constant;
            if (!is_settled[at] && !constant.empty()) constant = Bytes(constant);
            is_settled[at] = true;
        }
    }
}

}  // namespace

Program compile(const GraphSpec& graph, const std::filesystem::path& file) {
    const auto model = import_file(file);
    check_tensors(graph, file, with_known_shapes(model.inputs, graph.inputs),
                  with_known_shapes(model.outputs, graph.outputs));
    try {
        auto program = lower(model, graph);
        fuse_epilogues(program);
        if (!graph.keeps_float32) round_weights(program);
        share_storage(program);
        plan_memory(program);
        settle(program);
        return program;
    } catch (const InputError& error) {
        throw InputError{fmt::format("{}: {}", file.string(), error.what())};
    } catch (const std::bad_alloc&) {
        throw InputError{fmt::format("{}: there is not enough memory for it", file.string())};
    }
}

std::vector<void*> operands_of(Program& program, std::span<std::byte> arena, std::span<const TensorMemory> inputs,
                               std::span<const TensorMemory> outputs) {
    const auto start_of = [&](Storage& storage) -> std::byte* {
        switch (storage.kind) {
            case Storage::Kind::input:
                return static_cast<std::byte*>(inputs[storage.index]);
            case Storage::Kind::output:
                return static_cast<std::byte*>(outputs[storage.index]);
            case Storage::Kind::constant:
                return storage.constant.data();
            case Storage::Kind::arena:
                break;
        }
        return arena.data() + storage.offset;
    };
    std::vector<void*> operands;
    for (const auto& step : program.steps) {
        for (const auto id : step.operands) {
            const auto& value = program.values[id];
            operands.push_back(start_of(program.storages[value.storage]) + value.offset_bytes);
        }
    }
    return operands;
}

}  // namespace sidetone::nn::native
