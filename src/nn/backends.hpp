// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/manifest.hpp"
#include "nn/session.hpp"

namespace sidetone::nn {

/// A model's graphs, loaded into one backend.
struct OpenedModel {
    std::string backend;
    std::string reason;   ///< why this backend; one sentence, for people
    std::string refusal;  ///< what "auto" tried first and why that would not have the model; one line, or empty
    std::vector<std::unique_ptr<Session>> sessions;  ///< one per graph, in the manifest's order
};

/// Verifies the weights' hashes and loads them into the backend called `asked`; for "auto" into the manifest's, or when
/// that is "auto" too, into the first that takes every graph: "native", then the runtime that the files were made for
/// ("tflite" for .tflite, "onnxruntime" for .onnx).
/// Throws InputError when there is none, or when the one asked for will not have the model.
[[nodiscard]] OpenedModel open_model(const Manifest& model, const std::string& asked);

/// Loads one graph into the backend called `backend`. The hash of its weights must have been verified (nn/session.hpp
/// says why). Throws InputError.
[[nodiscard]] std::unique_ptr<Session> open_session(const std::string& backend, const Manifest& model,
                                                    const GraphSpec& graph);

/// The names of the backends that run files of this model's kind, in the order in which "auto" tries them.
[[nodiscard]] std::vector<std::string> backends_for(const Manifest& model);

}  // namespace sidetone::nn
