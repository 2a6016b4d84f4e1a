// SPDX-License-Identifier: Apache-2.0
#include "nn/native/import.hpp"

#include <fmt/format.h>

#include <fstream>
#include <system_error>

#include "nn/native/tflite_import.hpp"
#include "rt/error.hpp"

namespace sidetone::nn::native {
namespace {

constexpr std::size_t kMaxFileBytes = 1U << 28;

std::vector<std::byte> contents_of(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) throw InputError{"it is not a file that can be read"};
    const auto bytes = std::filesystem::file_size(file, error);
    if (error) throw InputError{"its size cannot be read: " + error.message()};
    if (bytes > kMaxFileBytes)
        throw InputError{fmt::format("found {} bytes, expected at most {}", bytes, kMaxFileBytes)};
    std::vector<std::byte> contents(bytes);
    std::ifstream stream{file, std::ios::binary};
    if (!stream.read(reinterpret_cast<char*>(contents.data()), static_cast<std::streamsize>(bytes))) {
        throw InputError{"it is not a file that can be read"};
    }
    return contents;
}

}  // namespace

OnnxModel import_file(const std::filesystem::path& file) try {
    const auto contents = contents_of(file);
    return file.extension() == ".tflite" ? import_tflite(contents) : import_onnx(contents);
} catch (const InputError& error) {
    throw InputError{fmt::format("{}: {}", file.string(), error.what())};
}

}  // namespace sidetone::nn::native
