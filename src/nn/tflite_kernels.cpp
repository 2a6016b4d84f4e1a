// SPDX-License-Identifier: Apache-2.0
#include "nn/tflite_kernels.hpp"

#include <tensorflow/lite/c/c_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "nn/tflite_schema.hpp"

// Exported by the C library and declared in its c_api_experimental.h, which the package lacks; `op` is a
// BuiltinOperator. The registration is copied and goes before the built-in one.
extern "C" void TfLiteInterpreterOptionsAddBuiltinOp(TfLiteInterpreterOptions* options, int op,
                                                     const TfLiteRegistration* registration, std::int32_t min_version,
                                                     std::int32_t max_version);

namespace sidetone::nn {
namespace {

constexpr auto kSplit = static_cast<int>(tflite::Builtin::split);
constexpr auto kPack = static_cast<int>(tflite::Builtin::pack);
constexpr auto kUnpack = static_cast<int>(tflite::Builtin::unpack);
constexpr std::int32_t kMaxVersion = 4;

// TfLitePackParams and TfLiteUnpackParams of builtin_op_data.h alike.
struct StackParams {
    int count;
    int axis;
};

// All three operators see one tensor, the whole, as [outer][part][inner bytes], and a part as [outer][inner bytes].
struct Layout {
    std::size_t outer = 1;
    std::size_t inner_bytes = 1;
};

TfLiteTensor& input(const TfLiteContext* context, const TfLiteNode* node, int index) {
    return context->tensors[node->inputs->data[index]];
}

TfLiteTensor& output(const TfLiteContext* context, const TfLiteNode* node, int index) {
    return context->tensors[node->outputs->data[index]];
}

std::span<const int> shape_of(const TfLiteTensor& tensor) {
    return {tensor.dims->data, static_cast<std::size_t>(tensor.dims->size)};
}

// A damaged file may leave tensors out, which the interpreter marks by negative numbers, or tensors without a shape.
bool is_complete(const TfLiteContext* context, const TfLiteIntArray* tensors, int min_count) {
    const std::span<const int> indices{tensors->data, static_cast<std::size_t>(tensors->size)};
    return tensors->size >= min_count && std::ranges::all_of(indices, [&](int index) {
               return index >= 0 && context->tensors[index].dims != nullptr;
           });
}

bool is_well_formed(const TfLiteContext* context, const TfLiteNode* node, int min_inputs) {
    return node->builtin_data != nullptr && is_complete(context, node->inputs, min_inputs) &&
           is_complete(context, node->outputs, 1);
}

bool is_covered(const TfLiteTensor& tensor) {
    return tensor.type == kTfLiteFloat32 || tensor.type == kTfLiteInt32;
}

// A negative axis counts from the end of `rank` dimensions. False when it is none of them.
bool resolve(int& axis, int rank) {
    if (axis < 0) axis += rank;
    return axis >= 0 && axis < rank;
}

// `shape` is the whole's, `split` how many parts lie along `axis`.
Layout layout_of(std::span<const int> shape, int axis, int split) {
    Layout layout{.outer = 1, .inner_bytes = sizeof(float)};
    for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
        const auto size = static_cast<std::size_t>(shape[static_cast<std::size_t>(d)]);
        if (d < axis) layout.outer *= size;
        if (d == axis) layout.inner_bytes *= size / static_cast<std::size_t>(split);
        if (d > axis) layout.inner_bytes *= size;
    }
    return layout;
}

void gather(const TfLiteContext* context, const TfLiteIntArray* parts, char* whole, const Layout& layout) {
    for (std::size_t o = 0; o < layout.outer; ++o) {
        for (int p = 0; p < parts->size; ++p, whole += layout.inner_bytes) {
            std::memcpy(whole, context->tensors[parts->data[p]].data.raw + o * layout.inner_bytes, layout.inner_bytes);
        }
    }
}

void scatter(const TfLiteContext* context, const TfLiteIntArray* parts, const char* whole, const Layout& layout) {
    for (std::size_t o = 0; o < layout.outer; ++o) {
        for (int p = 0; p < parts->size; ++p, whole += layout.inner_bytes) {
            std::memcpy(context->tensors[parts->data[p]].data.raw + o * layout.inner_bytes, whole, layout.inner_bytes);
        }
    }
}

// ── PACK: tensors of one shape become one with a dimension more ─────────────────────────────────

TfLiteStatus prepare_pack(TfLiteContext* context, TfLiteNode* node) {
    if (!is_well_formed(context, node, 1)) return kTfLiteError;
    const auto& first = input(context, node, 0);
    const int rank = first.dims->size + 1;
    int axis = static_cast<const StackParams*>(node->builtin_data)->axis;
    if (!resolve(axis, rank)) return kTfLiteError;
    for (int i = 0; i < node->inputs->size; ++i) {
        const auto& part = input(context, node, i);
        if (!is_covered(part) || part.type != first.type || TfLiteIntArrayEqual(part.dims, first.dims) == 0)
            return kTfLiteError;
    }
    auto& whole = output(context, node, 0);
    if (whole.type != first.type) return kTfLiteError;
    TfLiteIntArray* shape = TfLiteIntArrayCreate(rank);
    for (int d = 0, from = 0; d < rank; ++d) shape->data[d] = d == axis ? node->inputs->size : first.dims->data[from++];
    return context->ResizeTensor(context, &whole, shape);
}

TfLiteStatus pack(TfLiteContext* context, TfLiteNode* node) {
    auto& whole = output(context, node, 0);
    int axis = static_cast<const StackParams*>(node->builtin_data)->axis;
    if (!resolve(axis, whole.dims->size)) return kTfLiteError;
    gather(context, node->inputs, whole.data.raw, layout_of(shape_of(whole), axis, node->inputs->size));
    return kTfLiteOk;
}

// ── UNPACK: the reverse ─────────────────────────────────────────────────────────────────────────

TfLiteStatus prepare_unpack(TfLiteContext* context, TfLiteNode* node) {
    if (!is_well_formed(context, node, 1)) return kTfLiteError;
    const auto& whole = input(context, node, 0);
    int axis = static_cast<const StackParams*>(node->builtin_data)->axis;
    if (!is_covered(whole) || !resolve(axis, whole.dims->size)) return kTfLiteError;
    if (whole.dims->data[axis] != node->outputs->size) return kTfLiteError;
    for (int i = 0; i < node->outputs->size; ++i) {
        auto& part = output(context, node, i);
        if (part.type != whole.type) return kTfLiteError;
        TfLiteIntArray* shape = TfLiteIntArrayCreate(whole.dims->size - 1);
        for (int d = 0, to = 0; d < whole.dims->size; ++d) {
            if (d != axis) shape->data[to++] = whole.dims->data[d];
        }
        if (context->ResizeTensor(context, &part, shape) != kTfLiteOk) return kTfLiteError;
    }
    return kTfLiteOk;
}

TfLiteStatus unpack(TfLiteContext* context, TfLiteNode* node) {
    const auto& whole = input(context, node, 0);
    int axis = static_cast<const StackParams*>(node->builtin_data)->axis;
    if (!resolve(axis, whole.dims->size)) return kTfLiteError;
    scatter(context, node->outputs, whole.data.raw, layout_of(shape_of(whole), axis, node->outputs->size));
    return kTfLiteOk;
}

// ── SPLIT: equal stretches along an axis that is itself a tensor ────────────────────────────────

bool read_split_axis(const TfLiteContext* context, const TfLiteNode* node, int& axis) {
    const auto& tensor = input(context, node, 0);
    if (tensor.allocation_type != kTfLiteMmapRo || tensor.type != kTfLiteInt32 || tensor.bytes < sizeof(std::int32_t))
        return false;
    axis = tensor.data.i32[0];
    return resolve(axis, input(context, node, 1).dims->size);
}

TfLiteStatus prepare_split(TfLiteContext* context, TfLiteNode* node) {
    int axis = 0;
    if (!is_well_formed(context, node, 2) || !read_split_axis(context, node, axis)) return kTfLiteError;
    const auto& whole = input(context, node, 1);
    if (!is_covered(whole) || whole.dims->data[axis] % node->outputs->size != 0) return kTfLiteError;
    for (int i = 0; i < node->outputs->size; ++i) {
        auto& part = output(context, node, i);
        if (part.type != whole.type) return kTfLiteError;
        TfLiteIntArray* shape = TfLiteIntArrayCopy(whole.dims);
        shape->data[axis] /= node->outputs->size;
        if (context->ResizeTensor(context, &part, shape) != kTfLiteOk) return kTfLiteError;
    }
    return kTfLiteOk;
}

TfLiteStatus split(TfLiteContext* context, TfLiteNode* node) {
    int axis = 0;
    if (!read_split_axis(context, node, axis)) return kTfLiteError;
    const auto& whole = input(context, node, 1);
    scatter(context, node->outputs, whole.data.raw, layout_of(shape_of(whole), axis, node->outputs->size));
    return kTfLiteOk;
}

TfLiteRegistration kernel(int builtin, TfLiteStatus (*prepare)(TfLiteContext*, TfLiteNode*),
                          TfLiteStatus (*invoke)(TfLiteContext*, TfLiteNode*)) {
    TfLiteRegistration registration{};
    registration.prepare = prepare;
    registration.invoke = invoke;
    registration.builtin_code = builtin;
    return registration;
}

}  // namespace

std::array<TfLiteRegistration, 3> realtime_kernels() {
    return {kernel(kSplit, prepare_split, split), kernel(kPack, prepare_pack, pack),
            kernel(kUnpack, prepare_unpack, unpack)};
}

void add_realtime_kernels(TfLiteInterpreterOptions* options) {
    for (const auto& kernel : realtime_kernels()) {
        TfLiteInterpreterOptionsAddBuiltinOp(options, kernel.builtin_code, &kernel, 1, kMaxVersion);
    }
}

}  // namespace sidetone::nn
