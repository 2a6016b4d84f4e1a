// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "nn/manifest.hpp"
#include "nn/native/onnx_import.hpp"
#include "nn/native/program.hpp"

namespace sidetone::nn::native {

/// Lowers `model` with all dimensions bound by `graph` into a program: folds what is constant, follows `If` where its
/// condition is, turns reshapes into views, and drops what no output needs. Throws InputError naming operator, node and
/// opset for what there is no kernel for.
[[nodiscard]] Program lower(const OnnxModel& model, const GraphSpec& graph);

/// What `model` computes from inputs as `graph` declares them, whatever outputs that declares. Throws as `lower` does.
[[nodiscard]] std::vector<TensorInfo> computed_outputs(const OnnxModel& model, const GraphSpec& graph);

/// What a constant of floats was before DequantizeLinear: bytes, each less its zero point and times its scale.
struct QuantizedConstant {
    ValueId bytes = 0;
    std::vector<float> scales;              ///< one, or one for each place of `axis`
    std::vector<std::int32_t> zero_points;  ///< as many
    std::size_t axis = 0;
};

/// The program while it grows.
class Lowering {
public:
    explicit Lowering(std::int64_t opset) : opset_(opset) {}

    void lower_body(const GraphBody& body, int depth);
    [[nodiscard]] std::int64_t opset() const noexcept { return opset_; }
    [[nodiscard]] const Value& value(ValueId id) const { return program_.values[id]; }
    [[nodiscard]] bool is_constant(ValueId id) const;
    [[nodiscard]] const std::byte* constant_bytes(ValueId id) const;

    [[nodiscard]] ValueId add_value(DataType type, const Shape& shape, Storage::Kind kind = Storage::Kind::arena,
                                    std::size_t index = 0);
    [[nodiscard]] ValueId add_constant(DataType type, const Shape& shape, const std::byte* data);
    [[nodiscard]] ValueId add_view(ValueId of, const Shape& shape, std::size_t offset_elements);
    void add_step(Step step);
    /// The step that computes exactly this value; null for inputs, constants and views.
    [[nodiscard]] const Step* producer(ValueId id) const;
    void remember(ValueId constant, QuantizedConstant before) {
        quantized_.insert_or_assign(constant, std::move(before));
    }
    /// Null for what was never remembered.
    [[nodiscard]] const QuantizedConstant* quantized(ValueId id) const;

    [[nodiscard]] std::optional<ValueId> find(const std::string& name) const;
    void define(const std::string& name, ValueId id);

    [[nodiscard]] Program finish(std::vector<ValueId> outputs) &&;

    /// Counts memory that the program will take beside its values. Refuses what is beyond the limit.
    void reserve_bytes(std::size_t bytes);

private:
    void fold(const Step& step);
    void require_room() const;

    std::int64_t opset_;
    Program program_;
    std::unordered_map<std::string, ValueId> names_;
    std::unordered_map<ValueId, std::size_t> producers_;  // steps
    std::unordered_map<ValueId, QuantizedConstant> quantized_;
    std::size_t bytes_ = 0;
    std::uint64_t folded_operations_ = 0;
};

/// One node being lowered: what an operator's lowering reads it through and writes its steps to.
class NodeLowering {
public:
    NodeLowering(Lowering& lowering, const Node& node, int depth) : lowering_(lowering), node_(node), depth_(depth) {}

    [[nodiscard]] std::int64_t opset() const noexcept { return lowering_.opset(); }
    [[nodiscard]] const std::string& operation() const noexcept { return node_.operation; }
    [[nodiscard]] std::size_t input_count() const noexcept { return node_.inputs.size(); }
    [[nodiscard]] std::size_t output_count() const noexcept { return node_.outputs.size(); }
    [[nodiscard]] bool has_input(std::size_t index) const noexcept;
    [[nodiscard]] bool has_output(std::size_t index) const noexcept;
    [[nodiscard]] ValueId input(std::size_t index) const;
    [[nodiscard]] const Value& value(ValueId id) const { return lowering_.value(id); }
    [[nodiscard]] const Shape& shape(ValueId id) const { return value(id).shape; }
    [[nodiscard]] DataType type(ValueId id) const { return value(id).type; }
    [[nodiscard]] bool is_constant(ValueId id) const { return lowering_.is_constant(id); }
    /// Values of a constant of floats.
    [[nodiscard]] std::span<const float> floats(ValueId id) const;
    /// The memory of a constant of any type.
    [[nodiscard]] std::span<const std::byte> bytes(ValueId id) const;
    /// True when the value is a constant of the single number `number`.
    [[nodiscard]] bool is_number(ValueId id, float number) const;
    /// What operation computes exactly this value of what, for operators that are made of several; null for others.
    [[nodiscard]] const Step* producer(ValueId id, std::string_view operation) const;
    /// What computes exactly this value, whatever it is; null for inputs, constants and views.
    [[nodiscard]] const Step* producer(ValueId id) const { return lowering_.producer(id); }
    void remember(ValueId constant, QuantizedConstant before) { lowering_.remember(constant, std::move(before)); }
    [[nodiscard]] const QuantizedConstant* quantized(ValueId id) const { return lowering_.quantized(id); }

    /// Values of input `index`, which must be constant and of type T.
    template <class T>
    [[nodiscard]] std::span<const T> constant(std::size_t index) const;
    /// The same as integers, from either integer type.
    [[nodiscard]] std::vector<std::int64_t> constant_integers(std::size_t index) const;

    template <class T>
    [[nodiscard]] std::optional<T> attribute(std::string_view name) const;
    template <class T>
    [[nodiscard]] T attribute_or(std::string_view name, T otherwise) const;
    /// Axes or sizes that are an attribute up to some opset, and input `index` from then on.
    [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(std::string_view name, std::size_t index) const;

    /// Which of `rank` axes a Reduce operator takes away.
    [[nodiscard]] std::vector<bool> reduced_axes(std::size_t rank) const;

    /// `axis` counted from 0, from one that may be negative.
    [[nodiscard]] std::size_t axis_of(std::int64_t axis, std::size_t rank) const;
    [[nodiscard]] Shape broadcast(const Shape& a, const Shape& b) const;
    void require_type(ValueId id, DataType expected) const;
    /// Counts the memory of a table that a kernel will hold. Refuses more entries than a file may ask for.
    void require_table(std::size_t entries) const;
    /// Refuses a shape that is beyond the limits.
    void check_shape(DataType type, const Shape& shape) const;

    [[nodiscard]] ValueId add_value(DataType type, const Shape& shape);
    [[nodiscard]] ValueId add_view(ValueId of, const Shape& shape, std::size_t offset_elements = 0);
    template <class T>
    [[nodiscard]] ValueId add_constant(const Shape& shape, std::span<const T> values);
    [[nodiscard]] ValueId add_constant(DataType type, const Shape& shape, std::span<const std::byte> data);
    void set_output(std::size_t index, ValueId id);

    /// Appends a step: `kernel` reads `reads` and writes all of `writes`.
    template <class Kernel>
    void emit(Kernel kernel, std::vector<ValueId> reads, const std::vector<ValueId>& writes);

    void lower_body(const GraphBody& body);
    [[nodiscard]] std::optional<ValueId> find(const std::string& name) const { return lowering_.find(name); }

    /// "operator "Foo" (node "bar", opset 17): `what`".
    [[noreturn]] void refuse(const std::string& what) const;

private:
    [[nodiscard]] const std::byte* constant_bytes(std::size_t index, DataType type) const;

    Lowering& lowering_;
    const Node& node_;
    int depth_;
};

/// How an operator is lowered.
struct Operator {
    const char* name;
    void (*lower)(NodeLowering& node);
};

[[nodiscard]] std::span<const Operator> arithmetic_operators();
[[nodiscard]] std::span<const Operator> comparison_operators();
[[nodiscard]] std::span<const Operator> shape_operators();
[[nodiscard]] std::span<const Operator> copy_operators();
[[nodiscard]] std::span<const Operator> index_operators();
[[nodiscard]] std::span<const Operator> pad_operators();
[[nodiscard]] std::span<const Operator> rearrange_operators();
[[nodiscard]] std::span<const Operator> along_axis_operators();
[[nodiscard]] std::span<const Operator> matmul_operators();
[[nodiscard]] std::span<const Operator> convolution_operators();
[[nodiscard]] std::span<const Operator> quantize_operators();
[[nodiscard]] std::span<const Operator> resize_operators();
[[nodiscard]] std::span<const Operator> general_recurrent_operators();
[[nodiscard]] std::span<const Operator> quantized_matmul_operators();
[[nodiscard]] std::span<const Operator> quantized_convolution_operators();
[[nodiscard]] std::span<const Operator> recurrent_operators();
[[nodiscard]] std::span<const Operator> reduction_operators();
[[nodiscard]] std::span<const Operator> einsum_operators();
[[nodiscard]] std::span<const Operator> pooling_operators();
[[nodiscard]] std::span<const Operator> softmax_operators();
[[nodiscard]] std::span<const Operator> normalization_operators();
[[nodiscard]] std::span<const Operator> row_reduction_operators();

/// Gemm with operands that are known only when it runs, or that need to be turned or broadcast.
void lower_general_gemm(NodeLowering& node);

/// ReduceSum, ReduceMean, ReduceMax and ReduceMin of integers.
void lower_integer_reduction(NodeLowering& node);

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class T>
std::span<const T> NodeLowering::constant(std::size_t index) const {
    const auto* bytes = constant_bytes(index, kDataType<T>);
    return {reinterpret_cast<const T*>(bytes), value(input(index)).elements()};
}

template <class T>
std::optional<T> NodeLowering::attribute(std::string_view name) const {
    for (const auto& attribute : node_.attributes) {
        if (attribute.name != name) continue;
        if (const auto* found = std::get_if<T>(&attribute.value)) return *found;
        refuse("attribute \"" + std::string{name} + "\" is of another type than the standard's");
    }
    return std::nullopt;
}

template <class T>
T NodeLowering::attribute_or(std::string_view name, T otherwise) const {
    auto found = attribute<T>(name);
    return found ? std::move(*found) : otherwise;
}

template <class T>
ValueId NodeLowering::add_constant(const Shape& shape, std::span<const T> values) {
    check_shape(kDataType<T>, shape);
    return lowering_.add_constant(kDataType<T>, shape, reinterpret_cast<const std::byte*>(values.data()));
}

template <class Kernel>
void NodeLowering::emit(Kernel kernel, std::vector<ValueId> reads, const std::vector<ValueId>& writes) {
    auto step = make_step(std::move(kernel));
    step.reads = reads.size();
    step.operands = std::move(reads);
    step.operands.insert(step.operands.end(), writes.begin(), writes.end());
    step.operation = node_.operation;
    step.node = node_.name;
    lowering_.add_step(std::move(step));
}

}  // namespace sidetone::nn::native
