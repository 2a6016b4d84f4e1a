// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace sidetone::engine {

/// Whether there is something at `file`. Throws InputError where that cannot be told, as in a folder that is locked.
[[nodiscard]] bool is_there(const std::filesystem::path& file);

/// Writes beside `file`, and renames: what was there is replaced by all of `text`, or stays. Throws InputError. Control
/// thread.
void write_whole(const std::filesystem::path& file, std::string_view text);

}  // namespace sidetone::engine
