// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Where a TensorFlow Lite file holds what: indices of fields, and numbers, of TensorFlow's schema.fbs, version 3.
namespace sidetone::nn::tflite {

inline constexpr std::uint32_t kIdentifier = 0x334C4654;  // "TFL3", the file's bytes 4 to 7

/// No file may have more operator codes, tensors or buffers.
inline constexpr std::size_t kMaxTables = 100'000;

namespace model {
inline constexpr std::size_t kOperatorCodes = 1;
inline constexpr std::size_t kSubgraphs = 2;
inline constexpr std::size_t kBuffers = 4;
}  // namespace model
namespace operator_code {
inline constexpr std::size_t kDeprecatedBuiltinCode = 0;
inline constexpr std::size_t kCustomCode = 1;
inline constexpr std::size_t kBuiltinCode = 3;
}  // namespace operator_code
namespace subgraph {
inline constexpr std::size_t kTensors = 0;
inline constexpr std::size_t kInputs = 1;
inline constexpr std::size_t kOutputs = 2;
inline constexpr std::size_t kOperators = 3;
}  // namespace subgraph
namespace tensor {
inline constexpr std::size_t kShape = 0;
inline constexpr std::size_t kType = 1;
inline constexpr std::size_t kBuffer = 2;
inline constexpr std::size_t kName = 3;
inline constexpr std::size_t kIsVariable = 5;
inline constexpr std::size_t kSparsity = 6;
inline constexpr std::int8_t kFloat32 = 0;
inline constexpr std::int8_t kInt32 = 2;
}  // namespace tensor
namespace operation {
inline constexpr std::size_t kOpcodeIndex = 0;
inline constexpr std::size_t kInputs = 1;
inline constexpr std::size_t kOutputs = 2;
inline constexpr std::size_t kOptions = 4;
}  // namespace operation
namespace buffer {
inline constexpr std::size_t kData = 0;
}  // namespace buffer

/// BuiltinOperator.
enum class Builtin : std::int32_t {
    custom = -1,
    add = 0,
    concatenation = 2,
    conv_2d = 3,
    fully_connected = 9,
    logistic = 14,
    mul = 18,
    relu = 19,
    relu6 = 21,
    reshape = 22,
    softmax = 25,
    tanh = 28,
    transpose = 39,
    mean = 40,
    sub = 41,
    div = 42,
    squeeze = 43,
    strided_slice = 45,
    exp = 47,
    split = 49,
    maximum = 55,
    minimum = 57,
    neg = 59,
    expand_dims = 70,
    log = 73,
    sum = 74,
    sqrt = 75,
    rsqrt = 76,
    pack = 83,
    unpack = 88,
    squared_difference = 99,
    abs = 101,
};

}  // namespace sidetone::nn::tflite
