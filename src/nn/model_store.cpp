// SPDX-License-Identifier: Apache-2.0
#include "nn/model_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "nn/data_folders.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

// Where set-up puts the weights that come out of packages; a source tree has it, an installation does not.
fs::path set_up_folder() {
    return fs::path{SIDETONE_SOURCE_DIR} / "deps" / "models";
}

bool is_path(std::string_view name) {
    return name.find('/') != std::string_view::npos || name == "." || name == "..";
}

// The models' names by folder, without reading the manifests.
std::set<std::string> names_of_models() {
    std::set<std::string> names;
    for (const auto& folder : model_folders()) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator{folder, error}) {
            if (is_file(entry.path() / "model.toml")) names.insert(entry.path().filename().string());
        }
    }
    return names;
}

fs::path folder_of_model(std::string_view name) {
    for (const auto& folder : model_folders()) {
        if (is_file(folder / name / "model.toml")) return folder / name;
    }
    return {};
}

// A model that is found by its folder's name goes by that name.
Manifest read_by_name(const fs::path& folder, std::string_view name) {
    auto model = read_manifest(folder);
    if (model.name != name) {
        throw InputError{fmt::format("{}: key \"name\": found \"{}\", expected \"{}\", the name of its folder",
                                     (folder / "model.toml").string(), model.name, name)};
    }
    return model;
}

std::string joined(const std::set<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "no models at all" : text;
}

}  // namespace

std::vector<fs::path> model_folders() {
    return data_folders("models", "SIDETONE_MODELS");
}

fs::path user_model_folder() {
    return user_data_folder("models");
}

Manifest find_model(std::string_view name) {
    if (is_path(name)) return read_manifest(fs::path{name});
    const auto folder = folder_of_model(name);
    if (folder.empty()) {
        throw InputError{fmt::format("model \"{}\" not found; there are: {} (see `sidetone models list`)", name,
                                     joined(names_of_models()))};
    }
    return read_by_name(folder, name);
}

std::vector<Manifest> list_models() {
    std::vector<Manifest> models;
    for (const auto& name : names_of_models()) models.push_back(read_by_name(folder_of_model(name), name));
    return models;
}

std::vector<fs::path> weights_candidates(const Manifest& model, const GraphSpec& graph) {
    std::vector<fs::path> candidates{model.folder / graph.file};
    for (const auto& folder : model_folders()) candidates.push_back(folder / model.weights_folder / graph.file);
    candidates.push_back(set_up_folder() / model.weights_folder / graph.file);
    std::erase_if(candidates, [](const fs::path& candidate) { return !is_file(candidate); });
    // Another build of the same file, or one cut short, gives way to one of the right size.
    std::stable_partition(candidates.begin(), candidates.end(), [&](const fs::path& candidate) {
        std::error_code error;
        return fs::file_size(candidate, error) == graph.bytes && !error;
    });
    return candidates;
}

fs::path weights_file(const Manifest& model, const GraphSpec& graph) {
    const auto candidates = weights_candidates(model, graph);
    if (!candidates.empty()) return candidates.front();
    const auto remedy =
        graph.url.empty() ? std::string{"scripts/setup"} : fmt::format("sidetone models pull {}", model.name);
    throw InputError{fmt::format("{}: {} is missing; fetch it with: {}", (model.folder / "model.toml").string(),
                                 graph.file, remedy)};
}

}  // namespace sidetone::nn
