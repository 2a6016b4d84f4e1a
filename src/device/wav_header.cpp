// SPDX-License-Identifier: Apache-2.0
#include "device/wav_header.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "rt/error.hpp"

namespace sidetone::device {

namespace {

/// Sizes in RIFF are little endian, in RIFX big endian.
std::uint64_t number(const char* bytes, int count, bool big_endian) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) {
        const int from = big_endian ? i : count - 1 - i;
        value = value << 8 | static_cast<unsigned char>(bytes[from]);
    }
    return value;
}

struct WavWalk {
    std::ifstream file;
    std::string name;
    std::uint64_t file_bytes = 0;
    bool big_endian = false;
    std::uint64_t data_bytes_64 = 0;  // of an RF64 file's ds64 chunk
    bool has_data = false;

    void check_format(std::uint64_t at, std::uint64_t bytes);
    void check_data(std::uint64_t at, std::uint64_t bytes) const;
    void chunk(std::string_view id, std::uint64_t at, std::uint64_t bytes);
};

void WavWalk::check_format(std::uint64_t at, std::uint64_t bytes) {
    std::array<char, 16> head{};
    file.seekg(static_cast<std::streamoff>(at));
    if (bytes < head.size() || !file.read(head.data(), head.size())) {
        throw InputError(fmt::format("{}: its format chunk has {} bytes, expected at least 16", name, bytes));
    }
    const auto channels = number(head.data() + 2, 2, big_endian);
    if (channels == 0) throw InputError(fmt::format("{}: found 0 channels, expected at least 1", name));
}

void WavWalk::check_data(std::uint64_t at, std::uint64_t bytes) const {
    const std::uint64_t held = file_bytes - at;
    if (bytes <= held) return;
    throw InputError(
        fmt::format("{}: its header promises {} bytes of sound, the file holds {}; it was cut short or never finished "
                    "(if it is wanted so, rewrite it with: sox --ignore-length IN.wav OUT.wav)",
                    name, bytes, held));
}

void WavWalk::chunk(std::string_view id, std::uint64_t at, std::uint64_t bytes) {
    if (id == "fmt ") check_format(at, bytes);
    if (id == "data") {
        check_data(at, bytes);
        has_data = true;
    }
    if (id == "ds64" && bytes >= 16) {
        std::array<char, 16> head{};
        file.seekg(static_cast<std::streamoff>(at));
        file.read(head.data(), head.size());
        data_bytes_64 = number(head.data() + 8, 8, big_endian);
    }
}

bool is_chunk_id(std::string_view id) {
    for (const char c : id) {
        if (c < ' ' || c > '~') return false;
    }
    return true;
}

void refuse_surplus(const WavWalk& walk, std::uint64_t from) {
    throw InputError(
        fmt::format("{}: its header accounts for {} bytes, the file holds {}; the sound is longer than the header says "
                    "(rewrite it with: sox --ignore-length IN.wav OUT.wav)",
                    walk.name, from, walk.file_bytes));
}

}  // namespace

void check_wav_header(const std::filesystem::path& path) {
    WavWalk walk{.file = std::ifstream(path, std::ios::binary), .name = path.string()};
    walk.file_bytes = std::filesystem::file_size(path);
    std::array<char, 12> head{};
    if (!walk.file.read(head.data(), head.size())) return;
    const std::string magic(head.data(), 4);  // a copy: `head` is read into again
    if (std::string_view(head.data() + 8, 4) != "WAVE") return;
    if (magic != "RIFF" && magic != "RIFX" && magic != "RF64") return;
    walk.big_endian = magic == "RIFX";

    std::uint64_t at = 12;
    while (at + 8 <= walk.file_bytes) {
        walk.file.seekg(static_cast<std::streamoff>(at));
        walk.file.read(head.data(), 8);
        const std::string_view id(head.data(), 4);
        if (!is_chunk_id(id)) refuse_surplus(walk, at);
        std::uint64_t bytes = number(head.data() + 4, 4, walk.big_endian);
        // EBU Tech 3306: in RF64 the 32-bit size is all ones and ds64 holds the true one.
        if (magic == "RF64" && id == "data" && bytes == 0xffff'ffff) bytes = walk.data_bytes_64;
        walk.chunk(std::string(id), at + 8, bytes);
        at += 8 + bytes + (bytes & 1);  // chunks are padded to even lengths
    }
    if (!walk.has_data) throw InputError(fmt::format("{}: has no data chunk, so no sound", walk.name));
    // Seven stray bytes cannot be a chunk; some writers leave them.
    if (walk.file_bytes > at + 7) refuse_surplus(walk, at);
}

}  // namespace sidetone::device
