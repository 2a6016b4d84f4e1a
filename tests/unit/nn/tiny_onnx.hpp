// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sidetone::nn::test {

// Types of elements, by onnx.proto3.
constexpr std::uint64_t kFloat = 1, kInt64 = 7;

/// Writes ONNX files of a few nodes, so that tests need no foreign weights. Field numbers are those of onnx.proto3.
class TinyOnnx {
public:
    using Shape = std::vector<std::int64_t>;

    TinyOnnx& node(const std::string& operation, const std::vector<std::string>& inputs, const std::string& output) {
        std::string node;
        for (const auto& input : inputs) node += field(1, input);
        graph_ += field(1, node + field(2, output) + field(4, operation));
        return *this;
    }
    TinyOnnx& input(const std::string& name, const Shape& shape, std::uint64_t element = kFloat) {
        return value(11, name, shape, element);
    }
    TinyOnnx& output(const std::string& name, const Shape& shape, std::uint64_t element = kFloat) {
        return value(12, name, shape, element);
    }

    /// Zeros.
    TinyOnnx& constant(const std::string& name, const Shape& shape) {
        std::size_t bytes = sizeof(float);
        for (const auto size : shape) bytes *= static_cast<std::size_t>(size);
        return initializer(name, shape, field(9, std::string(bytes, '\0')));
    }
    TinyOnnx& empty_constant(const std::string& name, const Shape& shape) { return initializer(name, shape, {}); }
    /// One whose values are said to be in a file "data".
    TinyOnnx& external_constant(const std::string& name, const Shape& shape) {
        return initializer(
            name, shape, field(13, field(1, std::string{"location"}) + field(2, std::string{"data"})) + number(14, 1));
    }
    /// Along the last axis.
    TinyOnnx& concatenation(const std::vector<std::string>& inputs, const std::string& output) {
        std::string node;
        for (const auto& input : inputs) node += field(1, input);
        const auto axis = field(1, std::string{"axis"}) + number(3, ~std::uint64_t{0}) + number(20, 2);
        graph_ += field(1, node + field(2, output) + field(4, std::string{"Concat"}) + field(5, axis));
        return *this;
    }
    /// Branches in branches, `depth` of them.
    TinyOnnx& nested(int depth) {
        std::string graph;
        for (int i = 0; i < depth; ++i) {
            const auto branch = field(1, std::string{"then_branch"}) + field(6, graph) + number(20, 5);
            graph = field(1, field(1, std::string{"x"}) + field(2, std::string{"y"}) + field(4, std::string{"If"}) +
                                 field(5, branch));
        }
        graph_ += graph;
        return *this;
    }

    [[nodiscard]] std::string file() const {
        return number(1, 8) + field(8, number(2, 13)) +
               field(7, graph_ + field(2, std::string{"tiny"}));  // IR 8, opset 13
    }

private:
    static std::string variable(std::uint64_t value) {
        std::string bytes;
        for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>((value & 0x7FU) | 0x80U);
        return bytes + static_cast<char>(value);
    }
    static std::string number(std::uint32_t tag, std::uint64_t value) { return variable(tag << 3U) + variable(value); }
    static std::string field(std::uint32_t tag, const std::string& bytes) {
        return variable((tag << 3U) | 2U) + variable(bytes.size()) + bytes;
    }

    TinyOnnx& initializer(const std::string& name, const Shape& shape, const std::string& values) {
        std::string dimensions;
        for (const auto size : shape) dimensions += number(1, static_cast<std::uint64_t>(size));
        graph_ += field(5, dimensions + number(2, 1) + field(8, name) + values);
        return *this;
    }

    TinyOnnx& value(std::uint32_t tag, const std::string& name, const Shape& shape, std::uint64_t element) {
        std::string dimensions;
        for (const auto size : shape) dimensions += field(1, number(1, static_cast<std::uint64_t>(size)));
        const auto tensor = number(1, element) + field(2, dimensions);
        graph_ += field(tag, field(1, name) + field(2, field(1, tensor)));
        return *this;
    }

    std::string graph_;
};

}  // namespace sidetone::nn::test
