// SPDX-License-Identifier: Apache-2.0
#include "nn/native/tflite_import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "nn/flat_buffer.hpp"
#include "nn/manifest.hpp"
#include "nn/tflite_contents.hpp"
#include "nn/tflite_schema.hpp"
#include "rt/error.hpp"

namespace sidetone::nn::native {
namespace {

using namespace tflite;

constexpr std::int64_t kOpset = 17;  // whose terms the nodes below are in
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxOperands = 4096;  // of one operator
// Of all operators together. Tables may be shared in a FlatBuffer: without this, a small file is a large graph.
constexpr std::size_t kMaxAllOperands = 100'000;
constexpr std::size_t kMaxConstantBytes = std::size_t{1} << 28;
constexpr std::int32_t kLeftOut = -1;

[[noreturn]] void refuse_damaged() {
    throw InputError{"it is not a whole TensorFlow Lite model"};
}

template <class T>
T whole(std::optional<T> found) {
    if (!found) refuse_damaged();
    return *std::move(found);
}

Attribute attribute(const char* name, decltype(Attribute::value) value) {
    return {.name = name, .value = std::move(value)};
}

struct TfliteOperator {
    Builtin builtin = Builtin::custom;
    std::vector<std::int32_t> inputs, outputs;  // numbers of tensors
    std::size_t options = 0;                    // the table, 0 without
    std::string name;                           // of its first output's tensor
};

struct TfliteTensor {
    std::string name;
    DataType type = DataType::f32;
    Shape shape;
    std::span<const std::byte> values;  // of a constant
};

using Names = std::vector<std::string>;

/// An ONNX operator that does the same with the same inputs.
struct SameOperator {
    const char* name = nullptr;  // null: there is none
    std::size_t inputs = 1;
};

SameOperator same_operator(Builtin builtin) {
    switch (builtin) {
        case Builtin::maximum:
            return {"Max", 2};
        case Builtin::minimum:
            return {"Min", 2};
        case Builtin::logistic:
            return {"Sigmoid"};
        case Builtin::tanh:
            return {"Tanh"};
        case Builtin::relu:
            return {"Relu"};
        case Builtin::exp:
            return {"Exp"};
        case Builtin::log:
            return {"Log"};
        case Builtin::neg:
            return {"Neg"};
        case Builtin::abs:
            return {"Abs"};
        case Builtin::sqrt:
            return {"Sqrt"};
        default:
            return {};
    }
}

class TfliteImporter {
public:
    explicit TfliteImporter(std::span<const std::byte> contents) : file_(contents) {
        const auto found = tflite_contents(contents);
        if (!found) refuse_damaged();
        if (found->subgraphs != 1) {
            throw InputError{fmt::format("{} sub-graphs are not in the native executor", found->subgraphs)};
        }
        builtins_ = found->operators;
        const auto root = whole(file_.follow(0));
        buffers_ = whole(file_.tables(root, model::kBuffers, kMaxTables));
        subgraph_ = whole(file_.tables(root, model::kSubgraphs, 1)).front();
        tensors_ = whole(file_.tables(subgraph_, subgraph::kTensors, kMaxTables));
    }

    OnnxModel import() {
        OnnxModel made;
        made.opset = kOpset;
        made.inputs = boundary(subgraph::kInputs);
        made.outputs = boundary(subgraph::kOutputs);
        for (const auto& tensor : made.outputs) graph_.outputs.push_back(tensor.name);
        const auto operators = whole(file_.tables(subgraph_, subgraph::kOperators, kMaxNodes));
        if (operators.empty()) refuse_damaged();
        for (const auto table : operators) translate(read_operator(table));
        made.graph = std::move(graph_);
        return made;
    }

private:
    // ── what the file says ──────────────────────────────────────────────────────────────────────

    [[nodiscard]] std::vector<std::int32_t> integers(std::size_t table, std::size_t field, std::size_t most) const {
        const auto bytes = whole(file_.elements(table, field, sizeof(std::int32_t)));
        if (bytes.size() / sizeof(std::int32_t) > most) refuse_damaged();
        std::vector<std::int32_t> values(bytes.size() / sizeof(std::int32_t));
        if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
        return values;
    }

    [[nodiscard]] std::size_t table_of(std::int32_t tensor) const {
        if (tensor < 0 || static_cast<std::size_t>(tensor) >= tensors_.size()) refuse_damaged();
        return tensors_[static_cast<std::size_t>(tensor)];
    }

    [[nodiscard]] std::string name_in_file(std::int32_t tensor) const {
        const auto bytes = whole(file_.elements(table_of(tensor), tensor::kName, 1));
        if (bytes.size() > kMaxNameBytes) refuse_damaged();
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

    [[nodiscard]] TfliteTensor read_tensor(std::int32_t index) const {
        const auto table = table_of(index);
        TfliteTensor made{.name = name_in_file(index), .type = DataType::f32, .shape = {}, .values = {}};
        const auto refuse = [&](const std::string& what) {
            throw InputError{fmt::format("tensor \"{}\": {}", one_line(made.name), what)};
        };
        const auto type = whole(file_.number<std::int8_t>(table, tensor::kType, tensor::kFloat32));
        if (type == tensor::kInt32) {
            made.type = DataType::i32;
        } else if (type != tensor::kFloat32) {
            refuse(fmt::format("element type {} is not in the native executor", type));
        }
        if (whole(file_.number<std::uint8_t>(table, tensor::kIsVariable, 0)) != 0) {
            refuse("a state that the file keeps to itself is not in the native executor");
        }
        if (file_.field(table, tensor::kSparsity)) refuse("sparse tensors are not in the native executor");
        const auto shape = integers(table, tensor::kShape, kMaxRank);
        made.shape.assign(shape.begin(), shape.end());
        if (!is_bounded(made.type, made.shape) || std::ranges::find(made.shape, 0) != made.shape.end()) {
            refuse(fmt::format("its shape {} is beyond the limits", shape_text(made.shape)));
        }
        const auto buffer = whole(file_.number<std::uint32_t>(table, tensor::kBuffer, 0));
        if (buffer >= buffers_.size()) refuse_damaged();
        made.values = whole(file_.elements(buffers_[buffer], buffer::kData, 1));
        const auto expected = elements_of(made.shape) * bytes_of(made.type);
        if (!made.values.empty() && made.values.size() != expected) {
            refuse(fmt::format("found {} bytes of values, expected {} for its shape {}", made.values.size(), expected,
                               shape_text(made.shape)));
        }
        return made;
    }

    [[nodiscard]] TfliteOperator read_operator(std::size_t table) {
        const auto code = whole(file_.number<std::uint32_t>(table, operation::kOpcodeIndex, 0));
        if (code >= builtins_.size()) refuse_damaged();
        TfliteOperator made{.builtin = Builtin{builtins_[code]},
                            .inputs = integers(table, operation::kInputs, kMaxOperands),
                            .outputs = integers(table, operation::kOutputs, kMaxOperands)};
        if (made.outputs.empty()) refuse_damaged();
        operands_ += made.inputs.size() + made.outputs.size();
        if (operands_ > kMaxAllOperands) {
            throw InputError{fmt::format("its operators have more than {} operands", kMaxAllOperands)};
        }
        made.name = name_in_file(made.outputs.front());
        if (const auto at = file_.field(table, operation::kOptions)) made.options = whole(file_.follow(*at));
        return made;
    }

    // Inputs or outputs of the graph: they keep their names.
    std::vector<FileTensor> boundary(std::size_t field) {
        std::vector<FileTensor> made;
        for (const auto index : integers(subgraph_, field, kMaxOperands)) {
            const auto tensor = read_tensor(index);
            const auto type = tensor.type == DataType::f32 ? ElementType::f32 : ElementType::i32;
            made.push_back({.name = tensor.name, .type = type, .shape = tensor.shape});
            if (is_fresh(tensor.name)) refuse_damaged();
            if (!taken_.insert(tensor.name).second) {
                throw InputError{fmt::format("two of its inputs and outputs are called \"{}\"", one_line(tensor.name))};
            }
            names_.insert_or_assign(index, tensor.name);
        }
        return made;
    }

    template <class T>
    [[nodiscard]] T option(const TfliteOperator& op, std::size_t field, T absent = 0) const {
        return op.options == 0 ? absent : whole(file_.number<T>(op.options, field, absent));
    }

    [[noreturn]] static void refuse(const TfliteOperator& op, const std::string& what) {
        throw InputError{fmt::format("operator {} of TensorFlow Lite (for tensor \"{}\"): {}",
                                     static_cast<std::int32_t>(op.builtin), one_line(op.name), what)};
    }

    [[nodiscard]] static std::int32_t operand(const TfliteOperator& op, std::size_t index) {
        if (index >= op.inputs.size()) refuse(op, fmt::format("input {} is missing", index));
        return op.inputs[index];
    }
    [[nodiscard]] TfliteTensor input(const TfliteOperator& op, std::size_t index) const {
        return read_tensor(operand(op, index));
    }

    // The numbers of an input that has to be constant: axes, or what there is of each of them.
    [[nodiscard]] std::vector<std::int64_t> constant_input(const TfliteOperator& op, std::size_t index) const {
        const auto tensor = input(op, index);
        if (tensor.type != DataType::i32 || tensor.values.empty() || elements_of(tensor.shape) > kMaxRank) {
            refuse(op, fmt::format("input {} that is not constant, or no list of axes, is not in the native executor",
                                   index));
        }
        std::vector<std::int32_t> values(elements_of(tensor.shape));
        std::memcpy(values.data(), tensor.values.data(), tensor.values.size());
        return {values.begin(), values.end()};
    }

    // ── nodes ───────────────────────────────────────────────────────────────────────────────────

    void add_constant(std::string name, DataType type, Shape shape, std::span<const std::byte> values) {
        constant_bytes_ += values.size();
        if (constant_bytes_ > kMaxConstantBytes) throw InputError{"its constants are beyond the limits"};
        auto made = std::make_shared<ConstantTensor>();
        made->type = type;
        made->shape = std::move(shape);
        made->data.assign(values.begin(), values.end());
        graph_.constants.emplace_back(std::move(name), std::move(made));
    }

    // A name that no input or output has.
    std::string fresh() { return fmt::format("\n{}", fresh_++); }
    static bool is_fresh(const std::string& name) { return name.starts_with('\n'); }

    std::string numbers(const std::vector<std::int64_t>& values) {
        auto name = fresh();
        add_constant(name, DataType::i64, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span{values}));
        return name;
    }
    std::string number(float value) {
        auto name = fresh();
        add_constant(name, DataType::f32, {}, std::as_bytes(std::span{&value, 1}));
        return name;
    }

    std::string name_of(std::int32_t tensor) {
        if (tensor == kLeftOut) return {};
        const auto [at, is_new] = names_.try_emplace(tensor);
        if (is_new) {
            at->second = fresh();
            auto read = read_tensor(tensor);
            if (!read.values.empty()) add_constant(at->second, read.type, std::move(read.shape), read.values);
        }
        return at->second;
    }
    std::string in(const TfliteOperator& op, std::size_t index) { return name_of(operand(op, index)); }
    Names first_inputs(const TfliteOperator& op, std::size_t count) {
        Names names;
        for (std::size_t i = 0; i < count; ++i) names.push_back(in(op, i));
        return names;
    }
    static bool has_bias(const TfliteOperator& op) { return op.inputs.size() > 2 && op.inputs[2] != kLeftOut; }
    std::string out(const TfliteOperator& op, std::size_t index = 0) { return name_of(op.outputs[index]); }

    void put(const TfliteOperator& op, const char* operation, Names inputs, Names outputs,
             std::vector<Attribute> attributes = {}) {
        if (graph_.nodes.size() >= kMaxNodes) throw InputError{fmt::format("it has more than {} nodes", kMaxNodes)};
        graph_.nodes.push_back({.operation = operation,
                                .name = op.name,
                                .inputs = std::move(inputs),
                                .outputs = std::move(outputs),
                                .attributes = std::move(attributes)});
    }
    // The same, and the name of what it computes.
    std::string made(const TfliteOperator& op, const char* operation, Names inputs,
                     std::vector<Attribute> attributes = {}) {
        auto name = fresh();
        put(op, operation, std::move(inputs), {name}, std::move(attributes));
        return name;
    }

    void put_clipped(const TfliteOperator& op, const std::string& from, float least, float most,
                     const std::string& to) {
        put(op, "Clip", {from, number(least), number(most)}, {to});
    }

    // ActivationFunctionType: what an operator has fused.
    void put_activated(const TfliteOperator& op, std::size_t option_field, const std::string& from,
                       const std::string& to) {
        switch (const auto activation = option<std::int8_t>(op, option_field)) {
            case 0:
                return put(op, "Identity", {from}, {to});
            case 1:
                return put(op, "Relu", {from}, {to});
            case 2:
                return put_clipped(op, from, -1, 1, to);
            case 3:
                return put_clipped(op, from, 0, 6, to);
            default:  // TensorFlow Lite lets some pass, and does nothing
                refuse(op, fmt::format("activation {} is not in the native executor", activation));
        }
    }

    // ── operators ───────────────────────────────────────────────────────────────────────────────

    void translate(const TfliteOperator& op);
    void put_reshape(const TfliteOperator& op);
    void put_squeeze(const TfliteOperator& op);
    void put_fully_connected(const TfliteOperator& op);
    void put_convolution(const TfliteOperator& op);
    void put_strided_slice(const TfliteOperator& op);
    void put_split(const TfliteOperator& op);
    void put_pack(const TfliteOperator& op);
    void put_unpack(const TfliteOperator& op);
    void put_concatenation(const TfliteOperator& op);
    void put_reduction(const TfliteOperator& op, const char* operation);
    void put_arithmetic(const TfliteOperator& op, const char* operation);
    void put_softmax(const TfliteOperator& op);

    FlatBuffer file_;
    std::vector<std::int32_t> builtins_;  // of each operator code
    std::vector<std::size_t> buffers_, tensors_;
    std::size_t subgraph_ = 0;
    GraphBody graph_;
    std::unordered_map<std::int32_t, std::string> names_;  // of tensors, in the graph
    std::unordered_set<std::string> taken_;
    std::size_t fresh_ = 0, constant_bytes_ = 0, operands_ = 0;
};

void TfliteImporter::translate(const TfliteOperator& op) {
    if (const auto same = same_operator(op.builtin); same.name != nullptr) {
        return put(op, same.name, first_inputs(op, same.inputs), {out(op)});
    }
    switch (op.builtin) {
        case Builtin::add:
            return put_arithmetic(op, "Add");
        case Builtin::sub:
            return put_arithmetic(op, "Sub");
        case Builtin::mul:
            return put_arithmetic(op, "Mul");
        case Builtin::div:
            return put_arithmetic(op, "Div");
        case Builtin::squared_difference: {
            const auto difference = made(op, "Sub", first_inputs(op, 2));
            return put(op, "Mul", {difference, difference}, {out(op)});
        }
        case Builtin::relu6:
            return put_clipped(op, in(op, 0), 0, 6, out(op));
        case Builtin::rsqrt:
            return put(op, "Reciprocal", {made(op, "Sqrt", {in(op, 0)})}, {out(op)});
        case Builtin::reshape:
            return put_reshape(op);
        case Builtin::squeeze:
            return put_squeeze(op);
        case Builtin::expand_dims:
            return put(op, "Unsqueeze", {in(op, 0), numbers(constant_input(op, 1))}, {out(op)});
        case Builtin::transpose:
            return put(op, "Transpose", {in(op, 0)}, {out(op)}, {attribute("perm", constant_input(op, 1))});
        case Builtin::mean:
            return put_reduction(op, "ReduceMean");
        case Builtin::sum:
            return put_reduction(op, "ReduceSum");
        case Builtin::softmax:
            return put_softmax(op);
        case Builtin::fully_connected:
            return put_fully_connected(op);
        case Builtin::conv_2d:
            return put_convolution(op);
        case Builtin::strided_slice:
            return put_strided_slice(op);
        case Builtin::split:
            return put_split(op);
        case Builtin::pack:
            return put_pack(op);
        case Builtin::unpack:
            return put_unpack(op);
        case Builtin::concatenation:
            return put_concatenation(op);
        default:
            refuse(op, "it is not in the native executor");
    }
}

void TfliteImporter::put_arithmetic(const TfliteOperator& op, const char* operation) {
    put_activated(op, 0, made(op, operation, first_inputs(op, 2)), out(op));
}

void TfliteImporter::put_softmax(const TfliteOperator& op) {
    if (const auto beta = option<float>(op, 0); beta != 1.0F) {
        refuse(op, fmt::format("a factor of {} is not in the native executor", beta));
    }
    put(op, "Softmax", {in(op, 0)}, {out(op)}, {attribute("axis", std::int64_t{-1})});
}

void TfliteImporter::put_reduction(const TfliteOperator& op, const char* operation) {
    const auto keeps = std::int64_t{option<std::uint8_t>(op, 0) != 0};
    put(op, operation, {in(op, 0), numbers(constant_input(op, 1))}, {out(op)}, {attribute("keepdims", keeps)});
}

// The shape is an input, or in older files an option.
void TfliteImporter::put_reshape(const TfliteOperator& op) {
    std::vector<std::int64_t> shape;
    if (op.inputs.size() > 1) {
        shape = constant_input(op, 1);
    } else if (op.options != 0) {
        const auto sizes = integers(op.options, 0, kMaxRank);
        shape.assign(sizes.begin(), sizes.end());
    }
    // In ONNX a 0 stands for the input's size there.
    if (std::ranges::find(shape, 0) != shape.end()) refuse(op, "a size of 0 is not in the native executor");
    put(op, "Reshape", {in(op, 0), numbers(shape)}, {out(op)});
}

void TfliteImporter::put_squeeze(const TfliteOperator& op) {
    const auto axes = op.options == 0 ? std::vector<std::int32_t>{} : integers(op.options, 0, kMaxRank);
    Names inputs{in(op, 0)};
    if (!axes.empty()) inputs.push_back(numbers({axes.begin(), axes.end()}));
    put(op, "Squeeze", std::move(inputs), {out(op)});
}

// Weights are [units, inputs]; the input is a list of vectors, whatever its shape.
void TfliteImporter::put_fully_connected(const TfliteOperator& op) {
    if (option<std::int8_t>(op, 1) != 0) refuse(op, "shuffled weights are not in the native executor");
    const auto weights = input(op, 1).shape;
    if (weights.size() != 2) {
        refuse(op, fmt::format("weights are of shape {}, expected two dimensions", shape_text(weights)));
    }
    const bool keeps_dimensions = option<std::uint8_t>(op, 2) != 0;
    const auto vectors = keeps_dimensions ? in(op, 0) : made(op, "Reshape", {in(op, 0), numbers({-1, weights[1]})});
    const auto across = made(op, "Transpose", {in(op, 1)}, {attribute("perm", std::vector<std::int64_t>{1, 0})});
    auto sum = made(op, "MatMul", {vectors, across});
    if (has_bias(op)) sum = made(op, "Add", {sum, in(op, 2)});
    put_activated(op, 0, sum, out(op));
}

// Channels are last here, and first in ONNX; weights are [out, height, width, in].
void TfliteImporter::put_convolution(const TfliteOperator& op) {
    const std::vector<std::int64_t> channels_first{0, 3, 1, 2}, channels_last{0, 2, 3, 1};
    const auto image = input(op, 0);
    const auto weights = input(op, 1);
    if (image.shape.size() != 4 || weights.shape.size() != 4 || image.shape[3] % weights.shape[3] != 0) {
        refuse(op,
               fmt::format("shapes {} and {} do not go together", shape_text(image.shape), shape_text(weights.shape)));
    }
    enum : std::size_t { kPadding, kStrideW, kStrideH, kActivation, kDilationW, kDilationH };
    const auto pair = [&](std::size_t height, std::size_t width, std::int32_t absent) {
        return std::vector<std::int64_t>{option<std::int32_t>(op, height, absent),
                                         option<std::int32_t>(op, width, absent)};
    };
    Names inputs{made(op, "Transpose", {in(op, 0)}, {attribute("perm", channels_first)}),
                 made(op, "Transpose", {in(op, 1)}, {attribute("perm", channels_first)})};
    if (has_bias(op)) inputs.push_back(in(op, 2));
    const auto padded = option<std::int8_t>(op, kPadding);
    if (padded != 0 && padded != 1) refuse(op, fmt::format("padding {} is not in the native executor", padded));
    const auto sums = made(
        op, "Conv", std::move(inputs),
        {attribute("strides", pair(kStrideH, kStrideW, 0)), attribute("dilations", pair(kDilationH, kDilationW, 1)),
         attribute("group", image.shape[3] / weights.shape[3]),
         attribute("auto_pad", std::string{padded == 0 ? "SAME_UPPER" : "VALID"})});
    put_activated(op, kActivation, made(op, "Transpose", {sums}, {attribute("perm", channels_last)}), out(op));
}

void TfliteImporter::put_strided_slice(const TfliteOperator& op) {
    enum : std::size_t { kBeginMask, kEndMask, kEllipsisMask, kNewAxisMask, kShrinkAxisMask, kOffset };
    if (option<std::int32_t>(op, kEllipsisMask) != 0 || option<std::int32_t>(op, kNewAxisMask) != 0 ||
        option<std::uint8_t>(op, kOffset) != 0) {
        refuse(op, "an ellipsis, a new axis or an offset is not in the native executor");
    }
    auto starts = constant_input(op, 1);
    auto ends = constant_input(op, 2);
    auto steps = constant_input(op, 3);
    if (ends.size() != starts.size() || steps.size() != starts.size()) {
        refuse(op, fmt::format("it has {} begins, {} ends and {} strides", starts.size(), ends.size(), steps.size()));
    }
    const auto has = [&](std::size_t mask, std::size_t axis) {
        return (static_cast<std::uint32_t>(option<std::int32_t>(op, mask)) >> axis & 1U) != 0;
    };
    constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
    constexpr auto kFirst = std::numeric_limits<std::int64_t>::min();
    std::vector<std::int64_t> axes, shrunk;
    for (std::size_t axis = 0; axis < starts.size(); ++axis) {
        axes.push_back(static_cast<std::int64_t>(axis));
        const bool is_forward = steps[axis] > 0;
        if (has(kBeginMask, axis)) starts[axis] = is_forward ? 0 : kLast;
        if (has(kShrinkAxisMask, axis)) {
            if (!is_forward) refuse(op, "an axis that goes with a stride backwards is not in the native executor");
            steps[axis] = 1;
            ends[axis] = starts[axis] == -1 ? kLast : starts[axis] + 1;
            shrunk.push_back(static_cast<std::int64_t>(axis));
        } else if (has(kEndMask, axis)) {
            ends[axis] = is_forward ? kLast : kFirst;
        }
    }
    const Names inputs{in(op, 0), numbers(starts), numbers(ends), numbers(axes), numbers(steps)};
    if (shrunk.empty()) return put(op, "Slice", inputs, {out(op)});
    put(op, "Squeeze", {made(op, "Slice", inputs), numbers(shrunk)}, {out(op)});
}

void TfliteImporter::put_split(const TfliteOperator& op) {
    const auto axes = constant_input(op, 0);
    if (axes.size() != 1) refuse(op, "its axis is no single number");
    Names parts;
    for (std::size_t i = 0; i < op.outputs.size(); ++i) parts.push_back(out(op, i));
    put(op, "Split", {in(op, 1)}, std::move(parts), {attribute("axis", axes[0])});
}

void TfliteImporter::put_pack(const TfliteOperator& op) {
    const auto axis = std::int64_t{option<std::int32_t>(op, 1)};
    Names parts;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
        parts.push_back(made(op, "Unsqueeze", {in(op, i), numbers({axis})}));
    }
    put(op, "Concat", std::move(parts), {out(op)}, {attribute("axis", axis)});
}

void TfliteImporter::put_unpack(const TfliteOperator& op) {
    const auto axis = std::int64_t{option<std::int32_t>(op, 1)};
    Names parts;
    for (std::size_t i = 0; i < op.outputs.size(); ++i) parts.push_back(fresh());
    put(op, "Split", {in(op, 0)}, parts, {attribute("axis", axis)});
    for (std::size_t i = 0; i < parts.size(); ++i) {
        put(op, "Squeeze", {parts[i], numbers({axis})}, {out(op, i)});
    }
}

void TfliteImporter::put_concatenation(const TfliteOperator& op) {
    const auto axis = std::int64_t{option<std::int32_t>(op, 0)};
    put_activated(op, 1, made(op, "Concat", first_inputs(op, op.inputs.size()), {attribute("axis", axis)}), out(op));
}

}  // namespace

OnnxModel import_tflite(std::span<const std::byte> contents) {
    return TfliteImporter{contents}.import();
}

}  // namespace sidetone::nn::native
