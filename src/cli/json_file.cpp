// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/command.hpp"
#include "engine/whole_file.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {

void write_json(const std::filesystem::path& file, const nlohmann::json& value) {
    // Names of files need not be UTF-8.
    write_text(file, value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
}

void write_text(const std::filesystem::path& file, const std::string& text) {
    engine::write_whole(file, text);
}

void check_writable(const std::filesystem::path& file) {
    if (std::filesystem::is_directory(file))
        throw InputError(fmt::format("{}: found a folder, expected a file name", file.string()));
    const std::filesystem::path part = file.string() + ".part";
    if (!std::ofstream{part})
        throw InputError(fmt::format("{}: cannot be written (no such folder, or no right)", file.string()));
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
}

}  // namespace sidetone::cli
