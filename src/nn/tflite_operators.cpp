// SPDX-License-Identifier: Apache-2.0
#include "nn/tflite_operators.hpp"

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

private:
    std::span<const std::byte> bytes_;
};

// Fields of schema.fbs: Model.operator_codes, and those of OperatorCode.
constexpr std::size_t kOperatorCodes = 1;
constexpr std::size_t kDeprecatedBuiltinCode = 0;
constexpr std::size_t kCustomCode = 1;
constexpr std::size_t kBuiltinCode = 3;

std::int32_t builtin_of(const FlatBuffer& file, std::size_t operator_code) {
    if (file.field(operator_code, kCustomCode)) return -1;
    std::int32_t builtin = 0;
    // Numbers above 127 stand in the second field only; older files have the first only (schema.fbs, OperatorCode).
    if (const auto at = file.field(operator_code, kDeprecatedBuiltinCode))
        builtin = file.read<std::int8_t>(*at).value_or(-1);
    if (const auto at = file.field(operator_code, kBuiltinCode)) {
        builtin = std::max(builtin, file.read<std::int32_t>(*at).value_or(-1));
    }
    return builtin;
}

}  // namespace

std::optional<std::vector<std::int32_t>> tflite_operators(std::span<const std::byte> file) {
    const FlatBuffer buffer{file};
    constexpr std::uint32_t kIdentifier = 0x334C4654;  // "TFL3"
    if (buffer.read<std::uint32_t>(4) != kIdentifier) return std::nullopt;
    const auto model = buffer.follow(0);
    const auto codes = model ? buffer.field(*model, kOperatorCodes) : std::nullopt;
    const auto vector = codes ? buffer.follow(*codes) : std::nullopt;
    const auto count = vector ? buffer.read<std::uint32_t>(*vector) : std::nullopt;
    if (!count || *count > file.size()) return std::nullopt;
    std::vector<std::int32_t> operators;
    for (std::size_t i = 0; i < *count; ++i) {
        const auto code = buffer.follow(*vector + 4 + 4 * i);
        if (!code || !buffer.read<std::int32_t>(*code)) return std::nullopt;
        operators.push_back(builtin_of(buffer, *code));
    }
    return operators;
}

bool is_realtime_safe_tflite_operator(std::int32_t builtin) noexcept {
    static constexpr std::array<std::int32_t, 1> kSafe{
        0,  // ADD
    };
    return std::ranges::find(kSafe, builtin) != kSafe.end();
}

}  // namespace sidetone::nn
