// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/manifest.hpp"

namespace sidetone::nn {

/// Where models are looked for: `data_folders` of "models" and $SIDETONE_MODELS (nn/data_folders.hpp).
/// A manifest may lie in one of these and its weights in another (`weights_file`): the repository holds manifests,
/// set-up and `models pull` bring weights.
[[nodiscard]] std::vector<std::filesystem::path> model_folders();

/// $XDG_DATA_HOME/sidetone/models, or ~/.local/share/sidetone/models: where `pull_model` puts weights. Empty when
/// neither variable is set.
[[nodiscard]] std::filesystem::path user_model_folder();

/// The manifest of the model called `name`, or of the folder when `name` is a path. Throws InputError listing what
/// there is.
[[nodiscard]] Manifest find_model(std::string_view name);

/// Every manifest that can be found, by name, first found wins.
[[nodiscard]] std::vector<Manifest> list_models();

/// The files that may be a graph's weights, as far as they exist: in the manifest's own folder, in the manifest's
/// `weights_folder` within each of `model_folders()`, and in deps/models/ of the source tree, where set-up unpacks.
/// Those of the declared size come first.
[[nodiscard]] std::vector<std::filesystem::path> weights_candidates(const Manifest& model, const GraphSpec& graph);

/// Full path of a graph's weights: the first candidate. Throws InputError that names the file and the command that
/// fetches it when missing.
[[nodiscard]] std::filesystem::path weights_file(const Manifest& model, const GraphSpec& graph);

/// Throws InputError naming file, found and expected when size or SHA-256 of the weights are not the manifest's.
void verify_weights(const Manifest& model, const GraphSpec& graph);

/// Lower-case hexadecimal SHA-256 of a file. Throws InputError when it cannot be read.
[[nodiscard]] std::string sha256_of(const std::filesystem::path& file);

/// How far a download has come. Told after every piece that arrives.
struct PullProgress {
    std::string file;
    std::uint64_t received_bytes = 0, total_bytes = 0;  ///< what an earlier try had fetched counts as received
};

/// Fetches the weights of which no candidate has the right hash into the user's data folder: HTTPS (HTTP to loopback
/// only), resumed from a `.part` file, checked, then renamed. Never takes more bytes than the manifest declares. Throws
/// InputError on failure, the partial file kept for the next try unless its hash was wrong. What `on_progress` throws
/// ends the download likewise. Blocks; any thread but an audio thread.
void pull_model(const Manifest& model, const std::function<void(const PullProgress&)>& on_progress);

}  // namespace sidetone::nn
