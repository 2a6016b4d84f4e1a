// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <onnxruntime_cxx_api.h>

namespace sidetone::nn {

/// One for the process: sessions share its logger; it has no thread pools.
[[nodiscard]] Ort::Env& onnxruntime_environment();

/// Sequential, one thread, no spinning, denormals flushed.
[[nodiscard]] Ort::SessionOptions onnxruntime_options();

}  // namespace sidetone::nn
