// SPDX-License-Identifier: Apache-2.0
#include "cli/grey_image.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sidetone::cli {
namespace {

constexpr std::array<std::uint32_t, 256> kRemainders = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t n = 0; n < 256; ++n) {
        std::uint32_t value = n;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xEDB88320U ^ (value >> 1) : value >> 1;
        table[n] = value;
    }
    return table;
}();

/// Of 32 bits, as PNG checks a chunk by (ISO/IEC 15948, annex D).
std::uint32_t crc(std::string_view bytes) {
    std::uint32_t value = 0xFFFFFFFFU;
    for (const char byte : bytes) value = kRemainders[(value ^ static_cast<std::uint8_t>(byte)) & 0xFF] ^ (value >> 8);
    return ~value;
}

void append_number(std::string& bytes, std::uint32_t value) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>((value >> shift) & 0xFF);
}

std::string chunk(const std::string& name, const std::string& body) {
    std::string bytes;
    append_number(bytes, static_cast<std::uint32_t>(body.size()));
    bytes += name + body;
    append_number(bytes, crc(name + body));
    return bytes;
}

/// Blocks of bytes that are stored as they are (RFC 1950 and 1951).
std::string stored(std::string_view bytes) {
    constexpr std::size_t kMost = 65'535;
    constexpr std::uint32_t kModulus = 65'521;
    std::string result{"\x78\x01"};
    std::uint32_t a = 1, b = 0;
    for (const char byte : bytes) {
        a = (a + static_cast<std::uint8_t>(byte)) % kModulus;
        b = (b + a) % kModulus;
    }
    for (bool is_last = false; !is_last;) {
        const auto block = bytes.substr(0, kMost);
        bytes.remove_prefix(block.size());
        is_last = bytes.empty();
        const auto size = static_cast<std::uint32_t>(block.size());
        result += static_cast<char>(is_last ? 1 : 0);
        for (const auto number : {size, ~size}) {
            result += static_cast<char>(number & 0xFF);
            result += static_cast<char>((number >> 8) & 0xFF);
        }
        result += block;
    }
    append_number(result, (b << 16) | a);
    return result;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t n = 0; n < bytes.size(); n += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = (group << 8) | (n + k < bytes.size() ? static_cast<std::uint8_t>(bytes[n + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            text += n + k <= bytes.size() ? kDigits[(group >> (18 - 6 * k)) & 0x3F] : '=';
    }
    return text;
}

}  // namespace

std::string png_uri(const GreyImage& image) {
    std::string header;
    append_number(header, static_cast<std::uint32_t>(image.width));
    append_number(header, static_cast<std::uint32_t>(image.height));
    header += std::string{"\x04\x00\x00\x00\x00", 5};  // four bits of grey, no interlacing
    std::string rows;
    for (std::size_t y = 0; y < image.height; ++y) {
        rows += '\0';  // no filter
        for (std::size_t x = 0; x < image.width; x += 2) {
            const std::uint8_t* shades = image.shades.data() + y * image.width + x;
            const unsigned second = x + 1 < image.width ? shades[1] : 0U;
            rows += static_cast<char>((unsigned{shades[0]} << 4) | second);
        }
    }
    const std::string png =
        std::string{"\x89PNG\r\n\x1a\n"} + chunk("IHDR", header) + chunk("IDAT", stored(rows)) + chunk("IEND", "");
    return "data:image/png;base64," + base64(png);
}

}  // namespace sidetone::cli
