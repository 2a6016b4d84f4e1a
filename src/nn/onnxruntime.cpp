// SPDX-License-Identifier: Apache-2.0
#include "nn/onnxruntime.hpp"

#include <onnxruntime_session_options_config_keys.h>

namespace sidetone::nn {
namespace {

// Errors come back as statuses and are told by whoever asked; a log line beside them would only repeat them.
void discard_log(void*, OrtLoggingLevel, const char*, const char*, const char*, const char*) {}

}  // namespace

Ort::Env& onnxruntime_environment() {
    static Ort::Env env{ORT_LOGGING_LEVEL_ERROR, "sidetone", discard_log, nullptr};
    return env;
}

Ort::SessionOptions onnxruntime_options() {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    options.SetInterOpNumThreads(1);
    options.SetExecutionMode(ORT_SEQUENTIAL);
    options.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    options.AddConfigEntry(kOrtSessionOptionsConfigAllowIntraOpSpinning, "0");
    options.AddConfigEntry(kOrtSessionOptionsConfigAllowInterOpSpinning, "0");
    options.AddConfigEntry(kOrtSessionOptionsConfigSetDenormalAsZero, "1");
    return options;
}

}  // namespace sidetone::nn
