// SPDX-License-Identifier: Apache-2.0
#include "nn/native/lowering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "rt/error.hpp"

namespace sidetone::nn::native {
namespace {

// Of all values, tables and weights together; what the arena packs is far less.
constexpr std::size_t kMaxProgramBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxValues = 200'000;
constexpr std::size_t kMaxSteps = 50'000;
// Of all that is computed at load: some seconds.
constexpr std::uint64_t kMaxFoldedOperations = std::uint64_t{1} << 31;

const Operator* find_operator(std::string_view name) {
    static const auto table = [] {
        std::unordered_map<std::string_view, const Operator*> made;
        for (const auto list : {arithmetic_operators(),
                                comparison_operators(),
                                shape_operators(),
                                copy_operators(),
                                index_operators(),
                                pad_operators(),
                                rearrange_operators(),
                                along_axis_operators(),
                                matmul_operators(),
                                convolution_operators(),
                                recurrent_operators(),
                                reduction_operators(),
                                einsum_operators(),
                                pooling_operators(),
                                softmax_operators(),
                                normalization_operators(),
                                row_reduction_operators(),
                                quantize_operators(),
                                resize_operators(),
                                general_recurrent_operators(),
                                quantized_matmul_operators(),
                                quantized_convolution_operators()}) {
            for (const auto& entry : list) made.emplace(entry.name, &entry);
        }
        return made;
    }();
    const auto found = table.find(name);
    return found == table.end() ? nullptr : found->second;
}

DataType data_type(ElementType type) {
    switch (type) {
        case ElementType::f32:
            return DataType::f32;
        case ElementType::i64:
            return DataType::i64;
        case ElementType::i32:
            return DataType::i32;
        case ElementType::i8:
            return DataType::i8;
        case ElementType::u8:
            return DataType::u8;
    }
    return DataType::f32;
}

template <class T>
void fill(std::vector<std::byte>& bytes, double number) {
    const T value = static_cast<T>(number);
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) std::memcpy(bytes.data() + at, &value, sizeof(T));
}

std::vector<std::byte> filled(const TensorInfo& tensor, double number) {
    std::vector<std::byte> bytes(tensor.bytes());
    switch (tensor.type) {
        case ElementType::f32:
            fill<float>(bytes, number);
            break;
        case ElementType::i64:
            fill<std::int64_t>(bytes, number);
            break;
        case ElementType::i32:
            fill<std::int32_t>(bytes, number);
            break;
        case ElementType::i8:
            fill<std::int8_t>(bytes, number);
            break;
        case ElementType::u8:
            fill<std::uint8_t>(bytes, number);
            break;
    }
    return bytes;
}

ValueId declare_input(Lowering& lowering, const GraphSpec& graph, std::size_t index) {
    const auto& tensor = graph.inputs[index];
    const auto type = data_type(tensor.type);
    if (!is_bounded(type, tensor.shape)) {
        throw InputError{fmt::format("input \"{}\" {} is beyond the limits", tensor.name, shape_text(tensor.shape))};
    }
    const auto constant = std::ranges::find(graph.constants, tensor.name, &ConstantSpec::input);
    if (constant == graph.constants.end()) {
        return lowering.add_value(type, tensor.shape, Storage::Kind::input, index);
    }
    return lowering.add_constant(type, tensor.shape, filled(tensor, constant->value).data());
}

ValueId declared_output(const Lowering& lowering, const TensorInfo& tensor) {
    const auto found = lowering.find(tensor.name);
    if (!found) throw InputError{fmt::format("output \"{}\" is computed by no node", tensor.name)};
    const auto& value = lowering.value(*found);
    if (value.shape != tensor.shape || value.type != data_type(tensor.type)) {
        throw InputError{fmt::format("output \"{}\" is declared {} {}; the file computes {}", tensor.name,
                                     to_string(tensor.type), shape_text(tensor.shape), shape_text(value.shape))};
    }
    return *found;
}

Lowering lowered(const OnnxModel& model, const GraphSpec& graph) {
    Lowering lowering{model.opset};
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
        lowering.define(graph.inputs[i].name, declare_input(lowering, graph, i));
    }
    lowering.lower_body(model.graph, 0);
    return lowering;
}

ElementType element_type(DataType type, const std::string& output) {
    switch (type) {
        case DataType::f32:
            return ElementType::f32;
        case DataType::i64:
            return ElementType::i64;
        case DataType::i32:
            return ElementType::i32;
        case DataType::i8:
            return ElementType::i8;
        case DataType::u8:
            return ElementType::u8;
        case DataType::boolean:
            break;
    }
    throw InputError{fmt::format("output \"{}\" is of a type that no tensor of a model may have", output)};
}

}  // namespace

std::vector<TensorInfo> computed_outputs(const OnnxModel& model, const GraphSpec& graph) {
    const auto lowering = lowered(model, graph);
    std::vector<TensorInfo> outputs;
    for (const auto& tensor : model.outputs) {
        const auto found = lowering.find(tensor.name);
        if (!found) throw InputError{fmt::format("output \"{}\" is computed by no node", one_line(tensor.name))};
        const auto& value = lowering.value(*found);
        outputs.push_back({tensor.name, element_type(value.type, one_line(tensor.name)), value.shape});
    }
    return outputs;
}

Program lower(const OnnxModel& model, const GraphSpec& graph) {
    auto lowering = lowered(model, graph);
    std::vector<ValueId> outputs;
    for (const auto& tensor : graph.outputs) outputs.push_back(declared_output(lowering, tensor));
    return std::move(lowering).finish(std::move(outputs));
}

void Lowering::lower_body(const GraphBody& body, int depth) {
    for (const auto& [name, tensor] : body.constants) {
        define(name, add_constant(tensor->type, tensor->shape, tensor->data.data()));
    }
    for (const auto& node : body.nodes) {
        NodeLowering lowering{*this, node, depth};
        const auto* found = find_operator(node.operation);
        if (found == nullptr) {
            throw InputError{fmt::format("operator \"{}\" (node \"{}\", opset {}) is not in the native executor",
                                         one_line(node.operation), one_line(node.name), opset_)};
        }
        found->lower(lowering);
    }
}

bool Lowering::is_constant(ValueId id) const {
    return program_.storages[program_.values[id].storage].kind == Storage::Kind::constant;
}

const std::byte* Lowering::constant_bytes(ValueId id) const {
    const auto& value = program_.values[id];
    return program_.storages[value.storage].constant.data() + value.offset_bytes;
}

void Lowering::reserve_bytes(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > kMaxProgramBytes) {
        throw InputError{fmt::format("its tensors take more than {} MiB together", kMaxProgramBytes >> 20U)};
    }
}

void Lowering::require_room() const {
    if (program_.values.size() >= kMaxValues) throw InputError{fmt::format("it has more than {} values", kMaxValues)};
    if (program_.steps.size() >= kMaxSteps) throw InputError{fmt::format("it has more than {} steps", kMaxSteps)};
}

ValueId Lowering::add_value(DataType type, const Shape& shape, Storage::Kind kind, std::size_t index) {
    Value value{.type = type, .shape = shape, .storage = program_.storages.size()};
    Storage storage;
    storage.kind = kind;
    storage.bytes = value.bytes();
    storage.index = index;
    reserve_bytes(storage.bytes);
    require_room();
    program_.storages.push_back(std::move(storage));
    program_.values.push_back(std::move(value));
    return program_.values.size() - 1;
}

ValueId Lowering::add_constant(DataType type, const Shape& shape, const std::byte* data) {
    const auto id = add_value(type, shape, Storage::Kind::constant);
    auto& storage = program_.storages[program_.values[id].storage];
    storage.constant.assign(data, data + storage.bytes);
    return id;
}

ValueId Lowering::add_view(ValueId of, const Shape& shape, std::size_t offset_elements) {
    Value view = program_.values[of];
    require_room();
    view.shape = shape;
    view.offset_bytes += offset_elements * bytes_of(view.type);
    program_.values.push_back(std::move(view));
    return program_.values.size() - 1;
}

void Lowering::add_step(Step step) {
    reserve_bytes(step.weight_bytes);
    require_room();
    const auto reads = std::span{step.operands}.first(step.reads);
    if (std::ranges::all_of(reads, [&](ValueId id) { return is_constant(id); })) return fold(step);
    for (const auto id : std::span{step.operands}.subspan(step.reads)) producers_[id] = program_.steps.size();
    program_.steps.push_back(std::move(step));
}

const Step* Lowering::producer(ValueId id) const {
    const auto found = producers_.find(id);
    return found == producers_.end() ? nullptr : &program_.steps[found->second];
}

const QuantizedConstant* Lowering::quantized(ValueId id) const {
    const auto found = quantized_.find(id);
    return found == quantized_.end() ? nullptr : &found->second;
}

// Runs the step now; what it writes is constant from here on.
void Lowering::fold(const Step& step) {
    folded_operations_ += step.multiply_adds;
    for (const auto id : step.operands) folded_operations_ += program_.values[id].elements();
    if (folded_operations_ > kMaxFoldedOperations) throw InputError{"what it computes of constants alone is too much"};
    std::vector<void*> operands;
    for (std::size_t i = 0; i < step.operands.size(); ++i) {
        const auto& value = program_.values[step.operands[i]];
        auto& storage = program_.storages[value.storage];
        if (i >= step.reads) {
            storage.kind = Storage::Kind::constant;
            storage.constant.resize(storage.bytes);
        }
        operands.push_back(storage.constant.data() + value.offset_bytes);
    }
    step.run(step.kernel.get(), operands.data());
}

std::optional<ValueId> Lowering::find(const std::string& name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? std::nullopt : std::optional{found->second};
}

void Lowering::define(const std::string& name, ValueId id) {
    names_.insert_or_assign(name, id);
}

Program Lowering::finish(std::vector<ValueId> outputs) && {
    program_.outputs = std::move(outputs);
    // Backwards: a step stays when something after it, or an output, reads what it writes.
    std::vector<bool> wanted(program_.storages.size(), false);
    for (const auto id : program_.outputs) wanted[program_.values[id].storage] = true;
    std::vector<Step> kept;
    for (auto step = program_.steps.rbegin(); step != program_.steps.rend(); ++step) {
        const auto writes = std::span{step->operands}.subspan(step->reads);
        const auto is_wanted = [&](ValueId id) { return wanted[program_.values[id].storage]; };
        if (std::ranges::none_of(writes, is_wanted)) continue;
        for (const auto id : step->operands) wanted[program_.values[id].storage] = true;
        kept.push_back(std::move(*step));
    }
    std::ranges::reverse(kept);
    program_.steps = std::move(kept);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!wanted[i]) program_.storages[i].constant = Bytes{};
    }
    return std::move(program_);
}

}  // namespace sidetone::nn::native
