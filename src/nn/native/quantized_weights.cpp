// SPDX-License-Identifier: Apache-2.0
#include "nn/native/quantized_weights.hpp"

namespace sidetone::nn::native {

std::vector<std::int32_t> integers_of(const NodeLowering& node, std::size_t index) {
    const auto copy = [](const auto& values) { return std::vector<std::int32_t>{values.begin(), values.end()}; };
    if (!node.has_input(index)) return {};
    switch (node.type(node.input(index))) {
        case DataType::i8:
            return copy(node.constant<std::int8_t>(index));
        case DataType::u8:
            return copy(node.constant<std::uint8_t>(index));
        default:
            return copy(node.constant<std::int32_t>(index));
    }
}

PackedBytes pack_bytes(const NodeLowering& node, ValueId weights, std::size_t rows, std::size_t inner,
                       const std::function<std::size_t(std::size_t row, std::size_t k)>& place,
                       std::span<const std::int32_t> zero_points, std::span<const std::int32_t> offsets) {
    // Bytes without a sign get one, and so do their zero points.
    const int shift = node.type(weights) == DataType::u8 ? 128 : 0;
    auto zeros = one_per_row<std::int32_t>(node, zero_points, rows, 0);
    for (auto& zero : zeros) zero -= shift;
    const auto bytes = node.bytes(weights);
    return PackedBytes(rows, inner, zeros, offsets, [&](std::size_t row, std::size_t k) {
        const auto byte = std::to_integer<std::uint8_t>(bytes[place(row, k)]);
        return shift != 0 ? static_cast<std::int8_t>(byte - shift) : static_cast<std::int8_t>(byte);
    });
}

}  // namespace sidetone::nn::native
