// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "nn/download.hpp"
#include "nn/model_store.hpp"
#include "nn/part_file.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

bool is_there(const Manifest& model, const GraphSpec& graph) {
    const auto candidates = weights_candidates(model, graph);
    if (candidates.empty()) return false;
    std::error_code error;
    return std::filesystem::file_size(candidates.front(), error) == graph.bytes && !error &&
           sha256_of(candidates.front()) == graph.sha256;
}

void pull_graph(const GraphSpec& graph, const std::filesystem::path& target,
                const std::function<void(const PullProgress&)>& on_progress) {
    PartFile part{target};
    const auto tell = [&](std::uint64_t received) {
        if (on_progress) on_progress({.file = graph.file, .received_bytes = received, .total_bytes = graph.bytes});
    };
    // The beginning may stem from another version of the file: what was resumed gets a second, fresh chance.
    for (bool resumed = part.bytes() > 0;; resumed = false) {
        tell(std::min(part.bytes(), graph.bytes));
        download(graph.url, part, graph.bytes, tell);
        const auto found = sha256_of(part.path());
        if (found == graph.sha256) return part.finish();
        if (!resumed) {
            part.remove();
            throw InputError{fmt::format("{}: found SHA-256 {}, expected {} as {} says; it was not kept", graph.url,
                                         found, graph.sha256, graph.manifest.string())};
        }
        part.restart();
    }
}

}  // namespace

void pull_model(const Manifest& model, const std::function<void(const PullProgress&)>& on_progress) {
    for (const auto& graph : model.graphs) {
        if (is_there(model, graph)) continue;
        if (graph.url.empty()) {
            throw InputError{fmt::format("{}: {} has no URL to be fetched from; it comes with scripts/setup",
                                         graph.manifest.string(), graph.file)};
        }
        const auto folder = user_model_folder();
        if (folder.empty()) throw InputError{"no folder for weights: set XDG_DATA_HOME or HOME"};
        pull_graph(graph, folder / model.weights_folder / graph.file, on_progress);
    }
}

}  // namespace sidetone::nn
