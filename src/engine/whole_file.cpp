// SPDX-License-Identifier: Apache-2.0
#include "engine/whole_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <system_error>

#include "rt/error.hpp"

namespace sidetone::engine {

namespace fs = std::filesystem;

bool is_there(const fs::path& file) {
    std::error_code error;
    const bool is = fs::exists(file, error);
    if (error) throw InputError(fmt::format("{}: cannot be read: {}", file.string(), error.message()));
    return is;
}

void write_whole(const fs::path& file, std::string_view text) {
    std::error_code error;
    fs::path part = file;
    part += ".part";
    std::ofstream out{part, std::ios::binary};
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (out) fs::rename(part, file, error);
    if (out && !error) return;
    std::error_code ignored;
    fs::remove(part, ignored);
    throw InputError(
        fmt::format("{}: cannot be written{}", file.string(), error ? fmt::format(": {}", error.message()) : ""));
}

}  // namespace sidetone::engine
