// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sidetone::serve::test {

using Bytes = std::vector<std::byte>;

/// OSC packets, written as the specification says, apart from the code that reads them.
inline void add_word(Bytes& bytes, std::uint64_t word, int size) {
    for (int i = size - 1; i >= 0; --i) bytes.push_back(static_cast<std::byte>(word >> (8 * i) & 0xFFU));
}

inline void add_text(Bytes& bytes, std::string_view text) {
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    do bytes.push_back(std::byte{0});
    while (bytes.size() % 4 != 0);
}

inline Bytes message(std::string_view address, const std::vector<float>& numbers) {
    Bytes bytes;
    add_text(bytes, address);
    add_text(bytes, "," + std::string(numbers.size(), 'f'));
    for (const float number : numbers) add_word(bytes, std::bit_cast<std::uint32_t>(number), 4);
    return bytes;
}

inline Bytes text_message(std::string_view address, std::string_view text) {
    Bytes bytes;
    add_text(bytes, address);
    add_text(bytes, ",s");
    add_text(bytes, text);
    return bytes;
}

inline Bytes bundle(const std::vector<Bytes>& elements) {
    Bytes bytes;
    add_text(bytes, "#bundle");
    add_word(bytes, 1, 8);
    for (const auto& element : elements) {
        add_word(bytes, element.size(), 4);
        bytes.insert(bytes.end(), element.begin(), element.end());
    }
    return bytes;
}

}  // namespace sidetone::serve::test
