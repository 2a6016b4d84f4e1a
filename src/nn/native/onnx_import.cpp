// SPDX-License-Identifier: Apache-2.0
#include "nn/native/onnx_import.hpp"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_set>

#include "nn/manifest.hpp"
#include "nn/native/half.hpp"
#include "rt/error.hpp"

namespace sidetone::nn::native {
namespace {

constexpr std::int64_t kFirstOpset = 11;
constexpr std::int64_t kLastOpset = 21;
constexpr int kMaxDepth = 8;  // of sub-graphs

DataType data_type(std::int32_t type, const std::string& name) {
    switch (type) {
        case onnx::TensorProto::FLOAT:
        case onnx::TensorProto::FLOAT16:  // widened
            return DataType::f32;
        case onnx::TensorProto::INT64:
            return DataType::i64;
        case onnx::TensorProto::INT32:
            return DataType::i32;
        case onnx::TensorProto::INT8:
            return DataType::i8;
        case onnx::TensorProto::UINT8:
            return DataType::u8;
        case onnx::TensorProto::BOOL:
            return DataType::boolean;
        default:
            throw InputError{
                fmt::format("tensor \"{}\": element type {} is not in the native executor", one_line(name), type)};
    }
}

// Values that the file holds as numbers of a wider type.
template <class T, class Field>
void narrow(const Field& field, std::vector<std::byte>& data) {
    const auto count = std::min(static_cast<std::size_t>(field.size()), data.size() / sizeof(T));
    for (std::size_t i = 0; i < count; ++i) {
        const T value = static_cast<T>(field.Get(static_cast<int>(i)));
        std::memcpy(data.data() + i * sizeof(T), &value, sizeof(T));
    }
}

// Numbers of 16 bits, which are read as floats.
void widen_halves(const onnx::TensorProto& tensor, std::vector<std::byte>& data) {
    for (std::size_t i = 0; i < data.size() / sizeof(float); ++i) {
        std::uint16_t half = 0;
        if (tensor.has_raw_data()) {
            std::memcpy(&half, tensor.raw_data().data() + i * sizeof half, sizeof half);
        } else {
            half = static_cast<std::uint16_t>(tensor.int32_data(static_cast<int>(i)));
        }
        const float value = float_of_half(half);
        std::memcpy(data.data() + i * sizeof value, &value, sizeof value);
    }
}

std::size_t typed_values(const onnx::TensorProto& tensor, DataType type) {
    if (type == DataType::f32) return static_cast<std::size_t>(tensor.float_data_size());
    if (type == DataType::i64) return static_cast<std::size_t>(tensor.int64_data_size());
    return static_cast<std::size_t>(tensor.int32_data_size());
}

void copy_typed(const onnx::TensorProto& tensor, DataType type, std::vector<std::byte>& data) {
    switch (type) {
        case DataType::f32:
            return narrow<float>(tensor.float_data(), data);
        case DataType::i64:
            return narrow<std::int64_t>(tensor.int64_data(), data);
        case DataType::i32:
            return narrow<std::int32_t>(tensor.int32_data(), data);
        case DataType::i8:
            return narrow<std::int8_t>(tensor.int32_data(), data);
        case DataType::u8:
            return narrow<std::uint8_t>(tensor.int32_data(), data);
        case DataType::boolean:
            return narrow<bool>(tensor.int32_data(), data);
    }
}

std::shared_ptr<const ConstantTensor> constant(const onnx::TensorProto& tensor) {
    const auto where = fmt::format("tensor \"{}\"", one_line(tensor.name()));
    if (tensor.data_location() == onnx::TensorProto::EXTERNAL || tensor.has_segment()) {
        throw InputError{where + ": values outside the file are not in the native executor"};
    }
    auto made = std::make_shared<ConstantTensor>();
    made->type = data_type(tensor.data_type(), tensor.name());
    made->shape.assign(tensor.dims().begin(), tensor.dims().end());
    if (!is_bounded(made->type, made->shape)) {
        throw InputError{fmt::format("{}: its shape is beyond the limits", where)};
    }
    const bool is_half = tensor.data_type() == onnx::TensorProto::FLOAT16;
    const auto bytes_each = is_half ? sizeof(std::uint16_t) : bytes_of(made->type);
    const auto bytes = elements_of(made->shape) * bytes_each;
    const auto typed = is_half ? static_cast<std::size_t>(tensor.int32_data_size()) : typed_values(tensor, made->type);
    const auto found = tensor.has_raw_data() ? tensor.raw_data().size() : typed * bytes_each;
    if (found != bytes) {
        throw InputError{fmt::format("{}: found {} bytes of values, expected {} for its shape {}", where, found, bytes,
                                     shape_text(made->shape))};
    }
    made->data.resize(elements_of(made->shape) * bytes_of(made->type));
    if (is_half) {
        widen_halves(tensor, made->data);
    } else if (!tensor.has_raw_data()) {
        copy_typed(tensor, made->type, made->data);
    } else if (bytes > 0) {
        std::memcpy(made->data.data(), tensor.raw_data().data(), bytes);
        if (made->type == DataType::boolean) {
            for (auto& byte : made->data) byte = std::byte{byte != std::byte{0}};
        }
    }
    return made;
}

FileTensor file_tensor(const onnx::ValueInfoProto& value) {
    FileTensor tensor{.name = value.name(), .type = std::nullopt, .shape = kUnknownShape};
    if (!value.type().has_tensor_type()) return tensor;
    switch (value.type().tensor_type().elem_type()) {
        case onnx::TensorProto::FLOAT:
            tensor.type = ElementType::f32;
            break;
        case onnx::TensorProto::INT64:
            tensor.type = ElementType::i64;
            break;
        case onnx::TensorProto::INT32:
            tensor.type = ElementType::i32;
            break;
        case onnx::TensorProto::INT8:
            tensor.type = ElementType::i8;
            break;
        case onnx::TensorProto::UINT8:
            tensor.type = ElementType::u8;
            break;
        default:
            break;
    }
    if (!value.type().tensor_type().has_shape()) return tensor;
    tensor.shape.clear();
    for (const auto& size : value.type().tensor_type().shape().dim()) {
        tensor.shape.push_back(size.has_dim_value() && size.dim_value() > 0 ? size.dim_value() : -1);
    }
    return tensor;
}

/// Turns messages into graphs, within the limits.
class Importer {
public:
    GraphBody body(const onnx::GraphProto& graph, int depth) {
        if (depth > kMaxDepth) throw InputError{fmt::format("graphs lie more than {} deep in one another", kMaxDepth)};
        nodes_ += static_cast<std::size_t>(graph.node_size());
        if (nodes_ > kMaxNodes) throw InputError{fmt::format("it has more than {} nodes", kMaxNodes)};
        if (graph.sparse_initializer_size() > 0) throw InputError{"sparse tensors are not in the native executor"};
        GraphBody made;
        for (const auto& tensor : graph.initializer()) made.constants.emplace_back(tensor.name(), constant(tensor));
        for (const auto& node : graph.node()) made.nodes.push_back(this->node(node, depth));
        for (const auto& output : graph.output()) made.outputs.push_back(output.name());
        return made;
    }

private:
    Node node(const onnx::NodeProto& node, int depth) {
        Node made;
        made.operation =
            node.domain().empty() || node.domain() == "ai.onnx" ? node.op_type() : node.domain() + "." + node.op_type();
        made.name = node.name();
        made.inputs.assign(node.input().begin(), node.input().end());
        made.outputs.assign(node.output().begin(), node.output().end());
        for (const auto& attribute : node.attribute()) made.attributes.push_back(this->attribute(attribute, depth));
        return made;
    }

    Attribute attribute(const onnx::AttributeProto& attribute, int depth) {
        Attribute made{.name = attribute.name(), .value = {}};
        switch (attribute.type()) {
            case onnx::AttributeProto::INT:
                made.value = static_cast<std::int64_t>(attribute.i());
                break;
            case onnx::AttributeProto::FLOAT:
                made.value = attribute.f();
                break;
            case onnx::AttributeProto::STRING:
                made.value = attribute.s();
                break;
            case onnx::AttributeProto::INTS:
                made.value = std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end());
                break;
            case onnx::AttributeProto::FLOATS:
                made.value = std::vector<float>(attribute.floats().begin(), attribute.floats().end());
                break;
            case onnx::AttributeProto::STRINGS:
                made.value = std::vector<std::string>(attribute.strings().begin(), attribute.strings().end());
                break;
            case onnx::AttributeProto::TENSOR:
                made.value = constant(attribute.t());
                break;
            case onnx::AttributeProto::GRAPH:
                made.value = std::make_shared<const GraphBody>(body(attribute.g(), depth + 1));
                break;
            default:
                break;
        }
        return made;
    }

    std::size_t nodes_ = 0;
};

onnx::ModelProto parse(std::span<const std::byte> contents) {
    onnx::ModelProto model;
    if (!model.ParseFromArray(contents.data(), static_cast<int>(contents.size())) || !model.has_graph() ||
        model.graph().node_size() == 0) {
        throw InputError{"it is not a whole ONNX model"};
    }
    return model;
}

std::int64_t opset_of(const onnx::ModelProto& model) {
    for (const auto& entry : model.opset_import()) {
        if (!entry.domain().empty() && entry.domain() != "ai.onnx") continue;
        if (entry.version() < kFirstOpset || entry.version() > kLastOpset) {
            throw InputError{fmt::format("found opset {}, the native executor takes {} to {}", entry.version(),
                                         kFirstOpset, kLastOpset)};
        }
        return entry.version();
    }
    throw InputError{"it names no opset"};
}

}  // namespace

OnnxModel import_onnx(std::span<const std::byte> contents) {
    const auto message = parse(contents);
    OnnxModel model;
    model.opset = opset_of(message);
    model.graph = Importer{}.body(message.graph(), 0);
    std::unordered_set<std::string_view> constants;
    for (const auto& [name, tensor] : model.graph.constants) constants.insert(name);
    for (const auto& input : message.graph().input()) {
        // Up to IR version 3 constants are inputs too.
        if (!constants.contains(input.name())) model.inputs.push_back(file_tensor(input));
    }
    for (const auto& output : message.graph().output()) model.outputs.push_back(file_tensor(output));
    return model;
}

}  // namespace sidetone::nn::native
