// SPDX-License-Identifier: Apache-2.0
#include "nn/flat_buffer.hpp"

namespace sidetone::nn {

std::optional<std::size_t> FlatBuffer::field(std::size_t table, std::size_t index) const {
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

std::optional<std::span<const std::byte>> FlatBuffer::elements(std::size_t table, std::size_t index,
                                                               std::size_t bytes_each) const {
    const auto at = field(table, index);
    if (!at) return std::span<const std::byte>{};
    const auto vector = follow(*at);
    const auto count = vector ? read<std::uint32_t>(*vector) : std::nullopt;
    if (!count) return std::nullopt;
    const auto begin = *vector + sizeof(std::uint32_t);
    if (*count > (bytes_.size() - begin) / bytes_each) return std::nullopt;
    return bytes_.subspan(begin, *count * bytes_each);
}

std::optional<std::vector<std::size_t>> FlatBuffer::tables(std::size_t table, std::size_t index,
                                                           std::size_t most) const {
    const auto offsets = elements(table, index, sizeof(std::uint32_t));
    if (!offsets || offsets->size() / sizeof(std::uint32_t) > most) return std::nullopt;
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < offsets->size(); i += sizeof(std::uint32_t)) {
        const auto element = follow(static_cast<std::size_t>(offsets->data() - bytes_.data()) + i);
        if (!element || !read<std::int32_t>(*element)) return std::nullopt;
        found.push_back(*element);
    }
    return found;
}

}  // namespace sidetone::nn
