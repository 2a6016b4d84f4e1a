// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "nn/manifest.hpp"

namespace sidetone::cli {

/// The model that a command was given: by name, by its folder, or as a bare .onnx or .tflite file that has no
/// manifest. Of such a file all is taken from itself (nn/native/graph_of_file.hpp), it sees windows of sound at 16 kHz,
/// and its hop is 10 ms. Throws InputError.
[[nodiscard]] nn::Manifest model_argument(const std::string& text);

}  // namespace sidetone::cli
