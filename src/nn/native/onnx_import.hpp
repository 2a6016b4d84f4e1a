// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nn/native/tensor.hpp"
#include "nn/tensor_check.hpp"

namespace sidetone::nn::native {

/// A tensor whose values the file holds.
struct ConstantTensor {
    DataType type = DataType::f32;
    Shape shape;
    std::vector<std::byte> data;
};

struct GraphBody;

struct Attribute {
    std::string name;
    std::variant<std::monostate, std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
                 std::vector<std::string>, std::shared_ptr<const ConstantTensor>, std::shared_ptr<const GraphBody>>
        value;
};

/// One application of an operator. An empty name among inputs or outputs stands for one left out.
struct Node {
    std::string operation, name;
    std::vector<std::string> inputs, outputs;
    std::vector<Attribute> attributes;
};

/// A graph or sub-graph as the file has it, in the file's order.
struct GraphBody {
    std::vector<Node> nodes;
    std::vector<std::pair<std::string, std::shared_ptr<const ConstantTensor>>> constants;
    std::vector<std::string> outputs;
};

struct OnnxModel {
    std::int64_t opset = 0;
    GraphBody graph;
    std::vector<FileTensor> inputs, outputs;  ///< of the file; a tensor without a shape has `kUnknownShape`
};

/// The only shape of a rank that no tensor has: the file does not say.
inline const std::vector<std::int64_t> kUnknownShape(kMaxRank + 1, -1);

/// What a file's nodes may be in number, those of all its graphs together.
inline constexpr std::size_t kMaxNodes = 20'000;

/// Reads the contents of an ONNX file of opset 11 to 21. Throws InputError, without the file's name, for what is not
/// one or exceeds the limits on size, depth and rank.
[[nodiscard]] OnnxModel import_onnx(std::span<const std::byte> contents);

}  // namespace sidetone::nn::native
