// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "nn/native/onnx_import.hpp"

namespace sidetone::nn::native {

/// Reads a model's file: TensorFlow Lite where its name ends so, else ONNX. Throws InputError, starting with the file's
/// name, for anything that is not one or that exceeds the limits.
[[nodiscard]] OnnxModel import_file(const std::filesystem::path& file);

}  // namespace sidetone::nn::native
