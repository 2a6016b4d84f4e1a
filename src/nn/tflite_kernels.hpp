// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tensorflow/lite/c/common.h>

#include <array>

struct TfLiteInterpreterOptions;

namespace sidetone::nn {

/// Puts our kernels in the place of the built-in ones for PACK, UNPACK and SPLIT: those of TensorFlow Lite collect
/// their tensors in three std::vectors at every call, 42 heap calls a graph and hop in DTLN, whose recurrent layers are
/// unrolled through them. Ours move the same bytes without. They cover 32-bit floats and integers, and a constant split
/// axis; planning fails where a graph has others.
void add_realtime_kernels(TfLiteInterpreterOptions* options);

/// The kernels by themselves: SPLIT, PACK, UNPACK. `builtin_code` tells which.
[[nodiscard]] std::array<TfLiteRegistration, 3> realtime_kernels();

}  // namespace sidetone::nn
