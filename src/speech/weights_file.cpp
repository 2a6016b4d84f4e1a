// SPDX-License-Identifier: Apache-2.0
#include "speech/weights_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <system_error>
#include <utility>

#include "nn/data_folders.hpp"
#include "rt/error.hpp"

namespace sidetone::speech {

WeightsFile::WeightsFile(std::filesystem::path file, std::string_view four_letters, std::size_t max_bytes)
    : file_(std::move(file)) {
    std::ifstream in{file_, std::ios::binary};
    bytes_.resize(max_bytes + 1);
    in.read(reinterpret_cast<char*>(bytes_.data()), static_cast<std::streamsize>(bytes_.size()));
    const auto size = static_cast<std::size_t>(in.gcount());
    if (in.bad() || (size == 0 && !in.eof())) refuse("cannot be read");
    if (size > max_bytes) refuse(fmt::format("found more than {} bytes, expected fewer", max_bytes));
    bytes_.resize(size);
    const bool is_ours =
        size >= four_letters.size() && std::equal(four_letters.begin(), four_letters.end(), bytes_.begin());
    if (!is_ours)
        refuse(fmt::format("found something else than weights, expected a file that begins with \"{}\"", four_letters));
    at_ = four_letters.size();
}

std::uint8_t WeightsFile::next_byte() {
    if (at_ == bytes_.size()) refuse(fmt::format("found its end after {} bytes, expected more", bytes_.size()));
    return bytes_[at_++];
}

std::uint16_t WeightsFile::next_16_bits() {
    const unsigned low = next_byte();
    const unsigned high = next_byte();
    return static_cast<std::uint16_t>(low | high << 8U);
}

float WeightsFile::next_float() {
    const std::uint32_t low = next_16_bits();
    const std::uint32_t high = next_16_bits();
    const auto value = std::bit_cast<float>(low | high << 16U);
    if (!std::isfinite(value)) refuse("found a weight that is no number, expected finite ones");
    return value;
}

void WeightsFile::expect_end() const {
    if (at_ != bytes_.size()) refuse(fmt::format("found {} bytes, expected {}", bytes_.size(), at_));
}

void WeightsFile::refuse(const std::string& what) const {
    throw InputError(fmt::format("{}: {}", file_.string(), what));
}

std::filesystem::path find_weights(const std::string& folder, const std::string& file) {
    for (const auto& models : nn::data_folders("models", "SIDETONE_MODELS")) {
        auto path = models / folder / file;
        std::error_code ignored;
        if (std::filesystem::is_regular_file(path, ignored)) return path;
    }
    throw InputError(
        fmt::format("models/{}/{}: found no such file, expected it among Sidetone's models", folder, file));
}

}  // namespace sidetone::speech
