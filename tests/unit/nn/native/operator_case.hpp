// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "nn/session.hpp"

namespace sidetone::nn::test {

/// Numbers with a fixed seed.
class Random {
public:
    explicit Random(std::uint32_t seed) : generator_(seed) {}
    /// `low` to `high`, both included.
    std::int64_t integer(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(generator_() % static_cast<std::uint64_t>(high - low + 1));
    }
    float number(float low, float high) {
        return low + (high - low) * static_cast<float>(generator_() >> 8U) * 0x1p-24F;
    }
    bool chance(double share) { return number(0, 1) < static_cast<float>(share); }
    template <class T>
    T one_of(std::initializer_list<T> list) {
        return list.begin()[integer(0, static_cast<std::int64_t>(list.size()) - 1)];
    }

private:
    std::mt19937 generator_;
};

using Shape = std::vector<std::int64_t>;

/// A graph around one operator: its inputs, partly constants of the file, attributes and outputs.
///
/// Inputs are added in the operator's order; each is a constant by chance, unless its function's name says that it is
/// one always.
class OperatorCase {
public:
    OperatorCase(std::string operation, std::uint32_t seed);

    Random random;
    std::int64_t opset = 17;
    float tolerance = 1e-4F;  ///< of the output's range
    float least_range = 0;    ///< of the output: no difference below its share of this matters
    int steps = 0;            ///< by which integers may differ

    /// 1 to 7 in each of `low` to `high` dimensions; now and then one is longer than vectors are.
    Shape shape(std::int64_t low = 1, std::int64_t high = 4);
    /// One that broadcasts to `shape`.
    Shape broadcastable(const Shape& shape);

    OperatorCase& floats(const Shape& shape, float low = -2, float high = 2);
    OperatorCase& constant_floats(const Shape& shape, float low = -2, float high = 2);
    OperatorCase& dynamic_floats(const Shape& shape, float low = -2, float high = 2);
    OperatorCase& constant_floats(const Shape& shape, const std::vector<float>& values);
    /// A constant of floats of 16 bits.
    OperatorCase& constant_halves(const Shape& shape, float low = -2, float high = 2);
    template <class T>
    OperatorCase& integers(const Shape& shape, std::int64_t low, std::int64_t high);
    template <class T>
    OperatorCase& constant_integers(const Shape& shape, const std::vector<std::int64_t>& values);
    /// Axes, sizes and the like: one dimension, i64.
    OperatorCase& list(const std::vector<std::int64_t>& values) {
        return constant_integers<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
    }
    OperatorCase& booleans(const Shape& shape);
    OperatorCase& missing();
    /// Puts a Pad with zeros between the newest input, of `pads.size() / 2` dimensions, and the operator.
    OperatorCase& padded(const std::vector<std::int64_t>& pads);

    /// Takes the last input off the operator, for another node to read: its name.
    std::string take_input();
    /// A node before the operator, and the names of what it computes.
    std::vector<std::string> node(const std::string& operation, const std::vector<std::string>& inputs,
                                  std::size_t outputs = 1);
    /// An attribute of the node that was added last.
    OperatorCase& node_attribute(const std::string& name, std::int64_t value);
    OperatorCase& node_attribute(const std::string& name, const std::vector<std::int64_t>& values);
    /// The operator's next input is what a node before it computes.
    OperatorCase& computed(const std::string& name);

    OperatorCase& attribute(const std::string& name, std::int64_t value);
    OperatorCase& attribute(const std::string& name, float value);
    OperatorCase& attribute(const std::string& name, const std::string& value);
    OperatorCase& attribute(const std::string& name, const std::vector<std::int64_t>& values);
    OperatorCase& attribute(const std::string& name, const std::vector<float>& values);
    OperatorCase& attribute(const std::string& name, const std::vector<std::string>& values);
    OperatorCase& attribute(const std::string& name, const onnx::TensorProto& tensor);

    /// Without a call there is one, f32.
    OperatorCase& output(ElementType type);
    /// Compared as integers.
    OperatorCase& boolean_output();

    struct Input {
        TensorInfo info;
        std::vector<std::byte> data;
    };
    [[nodiscard]] const std::vector<Input>& inputs() const { return inputs_; }
    [[nodiscard]] const std::vector<TensorInfo>& outputs() const { return outputs_; }
    /// The file's contents, with all outputs in place.
    [[nodiscard]] std::string file();
    /// Operator, seed, opset, attributes and shapes, for messages.
    [[nodiscard]] std::string text() const;

private:
    template <class T>
    OperatorCase& add(const Shape& shape, const std::vector<T>& values, bool is_constant);
    std::string add_tensor(ElementType type, const Shape& shape, std::vector<std::byte> data, bool is_constant);
    std::vector<float> random_floats(const Shape& shape, float low, float high);
    onnx::AttributeProto& add_attribute(const std::string& name);

    std::uint32_t seed_;
    onnx::GraphProto graph_;
    onnx::NodeProto node_;
    std::vector<onnx::NodeProto> before_, after_;
    std::vector<Input> inputs_;
    std::vector<TensorInfo> outputs_;
};

/// An operator with what makes its cases.
struct OperatorRow {
    const char* name;
    std::vector<std::int64_t> opsets;
    void (*make)(OperatorCase& made);
    int cases = 12;
};

inline void PrintTo(const OperatorRow& row, std::ostream* stream) {
    *stream << row.name;
}

[[nodiscard]] std::vector<OperatorRow> elementwise_rows();
[[nodiscard]] std::vector<OperatorRow> shape_rows();
[[nodiscard]] std::vector<OperatorRow> layer_rows();
[[nodiscard]] std::vector<OperatorRow> recurrent_rows();
[[nodiscard]] std::vector<OperatorRow> quantized_rows();

}  // namespace sidetone::nn::test
