// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/manifest.hpp"

namespace sidetone::nn {

/// Where models are looked for, in this order: $SIDETONE_MODELS (colon-separated), the user's data folder
/// ($XDG_DATA_HOME/sidetone/models), models/ beside the program's source or installation.
/// A manifest may lie in one of these and its weights in another (`weights_file`): the repository holds manifests, set-up and
/// `models pull` bring weights.
[[nodiscard]] std::vector<std::filesystem::path> model_folders();

/// The manifest of the model called `name`, or of the folder when `name` is a path. Throws InputError listing what there is.
[[nodiscard]] Manifest find_model(std::string_view name);

/// Every manifest that can be found, by name, first found wins.
[[nodiscard]] std::vector<Manifest> list_models();

/// Full path of a graph's weights. Throws InputError that names the file and the command that fetches it when missing.
[[nodiscard]] std::filesystem::path weights_file(const Manifest& model, const GraphSpec& graph);

/// Throws InputError naming file, found and expected when the SHA-256 of the weights is not the manifest's.
void verify_weights(const Manifest& model, const GraphSpec& graph);

/// Lower-case hexadecimal SHA-256 of a file. Throws InputError when it cannot be read.
[[nodiscard]] std::string sha256_of(const std::filesystem::path& file);

struct PullProgress {
    std::string file;
    std::uint64_t received_bytes = 0, total_bytes = 0;  ///< total 0 while unknown
};

/// Fetches the weights that are missing into the user's data folder: HTTPS (HTTP to loopback only), resumed from a `.part` file, checked,
/// then renamed. Throws InputError on failure, the partial file kept for the next try unless its hash was wrong.
void pull_model(const Manifest& model, const std::function<void(const PullProgress&)>& on_progress);

}  // namespace sidetone::nn
