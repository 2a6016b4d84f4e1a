// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sidetone::nn::native {

/// Element types that a graph may carry inside; booleans take a byte.
enum class DataType : std::uint8_t { f32, i64, i32, i8, u8, boolean };

using Shape = std::vector<std::int64_t>;

/// No tensor may have more dimensions, or take more memory: what a file claims is bounded before it is believed.
inline constexpr std::size_t kMaxRank = 8;
inline constexpr std::size_t kMaxTensorBytes = std::size_t{1} << 28;

[[nodiscard]] constexpr std::size_t bytes_of(DataType type) noexcept {
    switch (type) {
        case DataType::i64:
            return 8;
        case DataType::f32:
        case DataType::i32:
            return 4;
        case DataType::i8:
        case DataType::u8:
        case DataType::boolean:
            return 1;
    }
    return 0;
}

/// The product of `shape`. Shapes are checked by `is_bounded` where they enter, so it does not overflow.
[[nodiscard]] constexpr std::size_t elements_of(const Shape& shape) noexcept {
    std::size_t count = 1;
    for (const auto size : shape) count *= static_cast<std::size_t>(size);
    return count;
}

/// True when no dimension is negative, there are not too many, and the tensor keeps within the memory limit.
[[nodiscard]] constexpr bool is_bounded(DataType type, const Shape& shape) noexcept {
    if (shape.size() > kMaxRank) return false;
    auto left = static_cast<std::int64_t>(kMaxTensorBytes / bytes_of(type));
    for (const auto size : shape) {
        if (size < 0 || size > left) return false;
        if (size > 0) left /= size;
    }
    return true;
}

template <class T>
inline constexpr DataType kDataType = DataType::f32;
template <>
inline constexpr DataType kDataType<std::int64_t> = DataType::i64;
template <>
inline constexpr DataType kDataType<std::int32_t> = DataType::i32;
template <>
inline constexpr DataType kDataType<std::int8_t> = DataType::i8;
template <>
inline constexpr DataType kDataType<std::uint8_t> = DataType::u8;
template <>
inline constexpr DataType kDataType<bool> = DataType::boolean;

}  // namespace sidetone::nn::native
