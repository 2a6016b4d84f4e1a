// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace sidetone::nn {

/// A FlatBuffer (flatbuffers.dev, "Internals") whose bytes nobody vouches for: tables hold a signed offset back to a
/// table of field offsets; vectors and tables are referred to by unsigned offsets forward. Every read is checked
/// against the file's end, and fails where it would go beyond. A table of field offsets that lies beyond has no field.
/// Places are bytes from the start.
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

    /// Where the reference at `at` leads.
    [[nodiscard]] std::optional<std::size_t> follow(std::size_t at) const {
        const auto offset = read<std::uint32_t>(at);
        if (!offset) return std::nullopt;
        return at + *offset;
    }

    /// Where field `index` of the table at `table` lies; empty when it has its default value, or on damage.
    [[nodiscard]] std::optional<std::size_t> field(std::size_t table, std::size_t index) const;

    /// The number in that field, or `absent`; empty on damage.
    template <class T>
    [[nodiscard]] std::optional<T> number(std::size_t table, std::size_t index, T absent) const {
        const auto at = field(table, index);
        return at ? read<T>(*at) : absent;
    }

    /// The elements of the vector in that field, in their bytes; none when the field is not there, empty on damage.
    [[nodiscard]] std::optional<std::span<const std::byte>> elements(std::size_t table, std::size_t index,
                                                                     std::size_t bytes_each) const;

    /// The tables that the vector in that field refers to; none when the field is not there, empty on damage and when
    /// there are more than `most`: places may be shared, so that a small file is no bound.
    [[nodiscard]] std::optional<std::vector<std::size_t>> tables(std::size_t table, std::size_t index,
                                                                 std::size_t most) const;

private:
    std::span<const std::byte> bytes_;
};

}  // namespace sidetone::nn
