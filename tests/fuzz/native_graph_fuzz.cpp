// SPDX-License-Identifier: Apache-2.0

// Whatever an ONNX or TensorFlow Lite file holds, it either becomes a planned program or is refused with a message: no
// crash, and bounded memory and time.

#include <cstddef>
#include <cstdint>
#include <span>

#include "nn/native/fuse_epilogues.hpp"
#include "nn/native/lowering.hpp"
#include "nn/native/memory_plan.hpp"
#include "nn/native/onnx_import.hpp"
#include "nn/native/share_storage.hpp"
#include "nn/native/tflite_import.hpp"
#include "nn/tflite_contents.hpp"
#include "rt/error.hpp"

namespace sidetone::nn::native {
namespace {

// Open dimensions are bound as a manifest would.
Shape bound(Shape shape) {
    if (shape == kUnknownShape) return {1, 4};
    for (auto& size : shape) size = size < 0 ? 4 : size;
    return shape;
}

void make_program(std::span<const std::byte> contents) {
    const auto model = nn::tflite_contents(contents) ? import_tflite(contents) : import_onnx(contents);
    GraphSpec graph;
    for (const auto& tensor : model.inputs) {
        graph.inputs.push_back({tensor.name, tensor.type.value_or(ElementType::f32), bound(tensor.shape)});
    }
    graph.outputs = computed_outputs(model, graph);
    auto program = lower(model, graph);
    fuse_epilogues(program);
    share_storage(program);
    plan_memory(program);
}

}  // namespace
}  // namespace sidetone::nn::native

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        sidetone::nn::native::make_program({reinterpret_cast<const std::byte*>(data), size});
    } catch (const sidetone::InputError&) {  // as it should be
    }
    return 0;
}
