// SPDX-License-Identifier: Apache-2.0
#include "nn/data_folders.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace sidetone::nn {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

bool is_folder(const fs::path& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

void append_listed(std::vector<fs::path>& folders, const std::string& list) {
    for (std::size_t begin = 0; begin < list.size();) {
        const auto end = std::min(list.find(':', begin), list.size());
        if (end > begin) folders.emplace_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
}

// bin/ and share/ are installed side by side, wherever that is.
fs::path installed_beside_program(const std::string& kind) {
    std::error_code error;
    const auto program = fs::read_symlink("/proc/self/exe", error);
    return error ? fs::path{} : program.parent_path().parent_path() / "share" / "sidetone" / kind;
}

}  // namespace

std::vector<fs::path> data_folders(const std::string& kind, const char* variable) {
    std::vector<fs::path> candidates;
    append_listed(candidates, environment(variable));
    candidates.push_back(user_data_folder(kind));
    candidates.push_back(installed_beside_program(kind));
    candidates.push_back(fs::path{SIDETONE_SOURCE_DIR} / kind);
    candidates.push_back(fs::path{SIDETONE_INSTALL_DATADIR} / "sidetone" / kind);
    std::vector<fs::path> folders;
    for (const auto& candidate : candidates) {
        if (is_folder(candidate) && std::ranges::find(folders, candidate) == folders.end()) {
            folders.push_back(candidate);
        }
    }
    return folders;
}

fs::path user_data_folder(const std::string& kind) {
    const auto data = environment("XDG_DATA_HOME");
    if (!data.empty()) return fs::path{data} / "sidetone" / kind;
    const auto home = environment("HOME");
    return home.empty() ? fs::path{} : fs::path{home} / ".local" / "share" / "sidetone" / kind;
}

}  // namespace sidetone::nn
