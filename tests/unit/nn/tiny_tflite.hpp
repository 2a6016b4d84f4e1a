// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nn/tflite_schema.hpp"

namespace sidetone::nn::test {

/// A table of a FlatBuffer, and all below it, to be written (flatbuffers.dev, "Internals").
class FlatTable {
public:
    template <class T>
    FlatTable& number(std::size_t field, T value) {
        std::string bytes(sizeof value, '\0');
        std::memcpy(bytes.data(), &value, sizeof value);
        fields_[field] = Scalar{std::move(bytes)};
        return *this;
    }
    /// A vector of numbers or characters.
    template <class T>
    FlatTable& vector(std::size_t field, const std::vector<T>& values) {
        std::string bytes(values.size() * sizeof(T), '\0');
        if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
        fields_[field] = Vector{static_cast<std::uint32_t>(values.size()), std::move(bytes)};
        return *this;
    }
    FlatTable& text(std::size_t field, const std::string& text) {
        fields_[field] = Vector{static_cast<std::uint32_t>(text.size()), text + '\0'};
        return *this;
    }
    FlatTable& table(std::size_t field, FlatTable table) {
        fields_[field] = std::vector<FlatTable>{std::move(table)};
        single_.insert(field);
        return *this;
    }
    FlatTable& tables(std::size_t field, std::vector<FlatTable> tables) {
        fields_[field] = std::move(tables);
        return *this;
    }

    /// The file that has this table for its root.
    [[nodiscard]] std::string file(const char* identifier) const {
        std::string bytes(4, '\0');
        bytes += identifier;
        refer(bytes, 0, write_to(bytes));
        return bytes;
    }

private:
    struct Scalar {
        std::string bytes;
    };
    struct Vector {
        std::uint32_t count;
        std::string bytes;
    };

    static void align(std::string& bytes, std::size_t to) { bytes.resize((bytes.size() + to - 1) / to * to); }
    template <class T>
    static void put(std::string& bytes, std::size_t at, T value) {
        if (bytes.size() < at + sizeof value) bytes.resize(at + sizeof value);
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }
    static void refer(std::string& bytes, std::size_t from, std::size_t to) {
        put(bytes, from, static_cast<std::uint32_t>(to - from));
    }

    // Its place.
    [[nodiscard]] std::size_t write_to(std::string& bytes) const {
        const auto count = fields_.empty() ? 0 : fields_.rbegin()->first + 1;
        align(bytes, 4);
        const auto offsets = bytes.size();
        bytes.resize(offsets + 4 + 2 * count);
        align(bytes, 4);
        const auto begin = bytes.size();
        put(bytes, begin, static_cast<std::int32_t>(begin - offsets));
        std::map<std::size_t, std::size_t> places;
        for (const auto& [field, value] : fields_) {
            const auto* scalar = std::get_if<Scalar>(&value);
            const auto size = scalar != nullptr ? scalar->bytes.size() : 4;
            align(bytes, size);
            places[field] = bytes.size();
            bytes += scalar != nullptr ? scalar->bytes : std::string(size, '\0');
            put(bytes, offsets + 4 + 2 * field, static_cast<std::uint16_t>(places[field] - begin));
        }
        put(bytes, offsets, static_cast<std::uint16_t>(4 + 2 * count));
        put(bytes, offsets + 2, static_cast<std::uint16_t>(bytes.size() - begin));
        for (const auto& [field, value] : fields_) {
            if (const auto* vector = std::get_if<Vector>(&value)) {
                bytes.resize((bytes.size() + 4 + 15) / 16 * 16 - 4);  // values at 16 bytes, as TensorFlow Lite wants
                refer(bytes, places[field], bytes.size());
                put(bytes, bytes.size(), vector->count);
                bytes += vector->bytes;
            } else if (const auto* tables = std::get_if<std::vector<FlatTable>>(&value)) {
                write_tables(bytes, places[field], *tables, single_.contains(field));
            }
        }
        return begin;
    }

    static void write_tables(std::string& bytes, std::size_t from, const std::vector<FlatTable>& tables,
                             bool is_single) {
        if (is_single) {
            const auto at = tables.front().write_to(bytes);
            return refer(bytes, from, at);
        }
        align(bytes, 4);
        const auto list = bytes.size();
        refer(bytes, from, list);
        put(bytes, list, static_cast<std::uint32_t>(tables.size()));
        bytes.resize(list + 4 + 4 * tables.size());
        for (std::size_t i = 0; i < tables.size(); ++i) {
            const auto at = tables[i].write_to(bytes);
            refer(bytes, list + 4 + 4 * i, at);
        }
    }

    std::map<std::size_t, std::variant<Scalar, Vector, std::vector<FlatTable>>> fields_;
    std::set<std::size_t> single_;  // fields that refer to a table, not to a list
};

/// An operator's options: the number that BuiltinOptions has for their kind, and the table.
struct TfliteOptions {
    std::uint8_t kind = 0;
    FlatTable table;
};

/// Writes TensorFlow Lite files of a few operators.
class TinyTflite {
public:
    using Shape = std::vector<std::int32_t>;
    using Tensors = std::vector<std::int32_t>;

    std::int32_t tensor(const std::string& name, const Shape& shape, std::int8_t type = tflite::tensor::kFloat32) {
        return add(FlatTable{}.vector(tflite::tensor::kShape, shape).number(tflite::tensor::kType, type), name);
    }
    std::int32_t constant(const std::string& name, const Shape& shape, const std::vector<float>& values) {
        return add(with_values(values).vector(tflite::tensor::kShape, shape), name);
    }
    std::int32_t integers(const std::string& name, const std::vector<std::int32_t>& values, bool is_scalar = false) {
        auto table = with_values(values).number(tflite::tensor::kType, tflite::tensor::kInt32);
        if (!is_scalar) table.vector(tflite::tensor::kShape, Shape{static_cast<std::int32_t>(values.size())});
        return add(std::move(table), name);
    }
    /// Any table of schema.fbs's Tensor.
    std::int32_t add(FlatTable tensor, const std::string& name) {
        tensors_.push_back(std::move(tensor.text(tflite::tensor::kName, name)));
        return static_cast<std::int32_t>(tensors_.size()) - 1;
    }

    TinyTflite& operation(tflite::Builtin builtin, const Tensors& inputs, const Tensors& outputs,
                          const TfliteOptions& options = {}) {
        namespace fields = tflite::operation;
        FlatTable made;
        made.number(fields::kOpcodeIndex, static_cast<std::uint32_t>(codes_.size()));
        made.vector(fields::kInputs, inputs).vector(fields::kOutputs, outputs);
        if (options.kind != 0) made.number(fields::kOptions - 1, options.kind).table(fields::kOptions, options.table);
        operators_.push_back(std::move(made));
        codes_.push_back(FlatTable{}
                             .number(tflite::operator_code::kDeprecatedBuiltinCode, static_cast<std::int8_t>(builtin))
                             .number(tflite::operator_code::kBuiltinCode, static_cast<std::int32_t>(builtin)));
        return *this;
    }
    TinyTflite& boundary(Tensors inputs, Tensors outputs) {
        inputs_ = std::move(inputs);
        outputs_ = std::move(outputs);
        return *this;
    }

    [[nodiscard]] std::string file(std::size_t subgraphs = 1) const {
        FlatTable graph;
        graph.tables(tflite::subgraph::kTensors, tensors_).tables(tflite::subgraph::kOperators, operators_);
        graph.vector(tflite::subgraph::kInputs, inputs_).vector(tflite::subgraph::kOutputs, outputs_);
        FlatTable model;
        model.number(0, std::uint32_t{3});  // the schema's version
        model.tables(tflite::model::kOperatorCodes, codes_);
        model.tables(tflite::model::kSubgraphs, std::vector<FlatTable>(subgraphs, graph));
        model.tables(tflite::model::kBuffers, buffers_);
        return model.file("TFL3");
    }

private:
    template <class T>
    FlatTable with_values(const std::vector<T>& values) {
        std::vector<std::uint8_t> bytes(values.size() * sizeof(T));
        std::memcpy(bytes.data(), values.data(), bytes.size());
        buffers_.push_back(std::move(FlatTable{}.vector(tflite::buffer::kData, bytes)));
        return std::move(FlatTable{}.number(tflite::tensor::kBuffer, static_cast<std::uint32_t>(buffers_.size() - 1)));
    }

    std::vector<FlatTable> tensors_, operators_, codes_;
    std::vector<FlatTable> buffers_{FlatTable{}};  // the first is that of all tensors without values
    Tensors inputs_, outputs_;
};

}  // namespace sidetone::nn::test
