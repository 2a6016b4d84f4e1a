// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "nn/manifest.hpp"
#include "nn/session.hpp"

namespace sidetone::nn {

/// One way to run graphs.
struct Backend {
    const char* name;
    const char* extension;  ///< of the files it runs
    std::unique_ptr<Session> (*open)(const GraphSpec& graph, const std::filesystem::path& file);
};

struct BackendChoice {
    const Backend* backend;
    std::string reason;  ///< one sentence, for people
};

/// The backend called `asked`, or for "auto" the manifest's, or when that is "auto" too the first of the built-in ones
/// that runs every graph's file. Throws InputError when there is none, or when the one asked for cannot run the model.
[[nodiscard]] BackendChoice choose_backend(const Manifest& model, const std::string& asked);

}  // namespace sidetone::nn
