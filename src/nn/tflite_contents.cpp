// SPDX-License-Identifier: Apache-2.0
#include "nn/tflite_contents.hpp"

#include <algorithm>
#include <array>

#include "nn/flat_buffer.hpp"
#include "nn/tflite_schema.hpp"

namespace sidetone::nn {
namespace {

using namespace tflite;

constexpr std::uint32_t kMaxPlainRank = 4;

std::int32_t builtin_of(const FlatBuffer& file, std::size_t code) {
    if (file.field(code, operator_code::kCustomCode)) return -1;
    std::int32_t builtin = 0;
    // Numbers above 127 stand in the second field only; older files have the first only (schema.fbs, OperatorCode).
    if (const auto at = file.field(code, operator_code::kDeprecatedBuiltinCode)) {
        // NOLINTNEXTLINE(bugprone-signed-char-misuse): a small signed number, no character
        builtin = file.read<std::int8_t>(*at).value_or(-1);
    }
    if (const auto at = file.field(code, operator_code::kBuiltinCode)) {
        builtin = std::max(builtin, file.read<std::int32_t>(*at).value_or(-1));
    }
    return builtin;
}

bool is_plain(const FlatBuffer& file, std::size_t table) {
    std::int8_t type = tensor::kFloat32;
    if (const auto at = file.field(table, tensor::kType)) type = file.read<std::int8_t>(*at).value_or(-1);
    if (type != tensor::kFloat32 && type != tensor::kInt32) return false;
    const auto shape = file.field(table, tensor::kShape);
    if (!shape) return true;  // a scalar
    const auto dimensions = file.follow(*shape);
    return dimensions && file.read<std::uint32_t>(*dimensions).value_or(kMaxPlainRank + 1) <= kMaxPlainRank;
}

}  // namespace

std::optional<TfliteContents> tflite_contents(std::span<const std::byte> file) {
    const FlatBuffer buffer{file};
    if (buffer.read<std::uint32_t>(4) != kIdentifier) return std::nullopt;
    const auto root = buffer.follow(0);
    if (!root || !buffer.read<std::int32_t>(*root)) return std::nullopt;
    const auto codes = buffer.tables(*root, model::kOperatorCodes, kMaxTables);
    const auto subgraphs = buffer.tables(*root, model::kSubgraphs, kMaxTables);
    if (!codes || !subgraphs || subgraphs->empty()) return std::nullopt;
    TfliteContents contents;
    contents.subgraphs = subgraphs->size();
    for (const auto code : *codes) contents.operators.push_back(builtin_of(buffer, code));
    if (contents.subgraphs > 1) return contents;  // what their tensors are is asked of no such file
    const auto tensors = buffer.tables(subgraphs->front(), subgraph::kTensors, kMaxTables);
    if (!tensors) return std::nullopt;
    contents.plain_tensors = std::ranges::all_of(*tensors, [&](std::size_t table) { return is_plain(buffer, table); });
    return contents;
}

bool is_realtime_safe(const TfliteContents& contents) {
    static constexpr std::array kSafe{
        Builtin::add,
        Builtin::conv_2d,
        Builtin::fully_connected,
        Builtin::logistic,
        Builtin::mul,
        Builtin::reshape,
        Builtin::tanh,
        Builtin::mean,
        Builtin::sub,
        Builtin::strided_slice,
        Builtin::split,  // by our kernel
        Builtin::rsqrt,
        Builtin::pack,    // by our kernel
        Builtin::unpack,  // by our kernel
        Builtin::squared_difference,
    };
    return contents.subgraphs == 1 && contents.plain_tensors &&
           std::ranges::all_of(contents.operators, [](std::int32_t builtin) {
               return std::ranges::find(kSafe, Builtin{builtin}) != kSafe.end();
           });
}

}  // namespace sidetone::nn
