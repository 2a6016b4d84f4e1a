// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "nn/native/onnx_import.hpp"

namespace sidetone::nn::native {

/// Reads the contents of a TensorFlow Lite file into ONNX's terms, so that all that is known of ONNX graphs serves
/// these too: images with channels last are transposed around a convolution, fused activations become nodes of their
/// own, and what is constant in that is folded later as any.
///
/// It takes one sub-graph of 32-bit floats and integers with all shapes known, and the operators of
/// docs/native-executor.md. Throws InputError, without the file's name, for others, and for what is damaged.
[[nodiscard]] OnnxModel import_tflite(std::span<const std::byte> contents);

}  // namespace sidetone::nn::native
