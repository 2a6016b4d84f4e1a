// SPDX-License-Identifier: Apache-2.0
#include "nn/tflite_contents.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace sidetone::nn {
namespace {

// A FlatBuffer (flatbuffers.dev, "Internals"): tables hold a signed offset back to a table of field offsets; vectors
// and tables are referred to by unsigned offsets forward. Every read is checked against the file's end.
class FlatBuffer {
public:
    explicit FlatBuffer(std::span<const std::byte> bytes) : bytes_(bytes) {}

    template <class T>
    [[nodiscard]] std::optional<T> read(std::size_t at) const {
        if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) return std::nullopt;
        T value;
        std::memcpy(&value, bytes_.data() + at, sizeof(T));
        return value;
    }

    // Where the reference at `at` leads.
    [[nodiscard]] std::optional<std::size_t> follow(std::size_t at) const {
        const auto offset = read<std::uint32_t>(at);
        if (!offset) return std::nullopt;
        return at + *offset;
    }

    // Where field `index` of the table at `table` lies; empty when it has its default value, or on damage.
    [[nodiscard]] std::optional<std::size_t> field(std::size_t table, std::size_t index) const {
        const auto back = read<std::int32_t>(table);
        if (!back) return std::nullopt;
        const auto offsets = static_cast<std::int64_t>(table) - *back;
        if (offsets < 0) return std::nullopt;
        const auto at = static_cast<std::size_t>(offsets);
        const auto size = read<std::uint16_t>(at);
        const auto entry = 4 + 2 * index;
        if (!size || entry + 2 > *size) return std::nullopt;
        const auto offset = read<std::uint16_t>(at + entry);
        if (!offset || *offset == 0) return std::nullopt;
        return table + *offset;
    }

    // The tables that the vector in field `index` of `table` refers to; empty on damage, none when the field is not
    // there.
    [[nodiscard]] std::optional<std::vector<std::size_t>> tables(std::size_t table, std::size_t index) const {
        std::vector<std::size_t> found;
        const auto at = field(table, index);
        if (!at) return found;
        const auto vector = follow(*at);
        const auto count = vector ? read<std::uint32_t>(*vector) : std::nullopt;
        if (!count || *count > bytes_.size() / sizeof(std::uint32_t)) return std::nullopt;
        for (std::size_t i = 0; i < *count; ++i) {
            const auto element = follow(*vector + 4 + 4 * i);
            if (!element || !read<std::int32_t>(*element)) return std::nullopt;
            found.push_back(*element);
        }
        return found;
    }

private:
    std::span<const std::byte> bytes_;
};

// Indices of fields in schema.fbs.
namespace model {
constexpr std::size_t kOperatorCodes = 1;
constexpr std::size_t kSubgraphs = 2;
}  // namespace model
namespace operator_code {
constexpr std::size_t kDeprecatedBuiltinCode = 0;
constexpr std::size_t kCustomCode = 1;
constexpr std::size_t kBuiltinCode = 3;
}  // namespace operator_code
namespace subgraph {
constexpr std::size_t kTensors = 0;
}  // namespace subgraph
namespace tensor {
constexpr std::size_t kShape = 0;
constexpr std::size_t kType = 1;
constexpr std::int8_t kFloat32 = 0;
constexpr std::int8_t kInt32 = 2;
}  // namespace tensor

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
    constexpr std::uint32_t kIdentifier = 0x334C4654;  // "TFL3"
    if (buffer.read<std::uint32_t>(4) != kIdentifier) return std::nullopt;
    const auto root = buffer.follow(0);
    if (!root || !buffer.read<std::int32_t>(*root)) return std::nullopt;
    const auto codes = buffer.tables(*root, model::kOperatorCodes);
    const auto subgraphs = buffer.tables(*root, model::kSubgraphs);
    if (!codes || !subgraphs || subgraphs->empty()) return std::nullopt;
    TfliteContents contents;
    contents.subgraphs = subgraphs->size();
    for (const auto code : *codes) contents.operators.push_back(builtin_of(buffer, code));
    for (const auto graph : *subgraphs) {
        const auto tensors = buffer.tables(graph, subgraph::kTensors);
        if (!tensors) return std::nullopt;
        for (const auto table : *tensors) contents.plain_tensors = contents.plain_tensors && is_plain(buffer, table);
    }
    return contents;
}

bool is_realtime_safe(const TfliteContents& contents) {
    static constexpr std::array<std::int32_t, 15> kSafe{
        0,   // ADD
        3,   // CONV_2D
        9,   // FULLY_CONNECTED
        14,  // LOGISTIC
        18,  // MUL
        22,  // RESHAPE
        28,  // TANH
        40,  // MEAN
        41,  // SUB
        45,  // STRIDED_SLICE
        49,  // SPLIT, by our kernel
        76,  // RSQRT
        83,  // PACK, by our kernel
        88,  // UNPACK, by our kernel
        99,  // SQUARED_DIFFERENCE
    };
    return contents.subgraphs == 1 && contents.plain_tensors &&
           std::ranges::all_of(contents.operators,
                               [](std::int32_t builtin) { return std::ranges::find(kSafe, builtin) != kSafe.end(); });
}

}  // namespace sidetone::nn
