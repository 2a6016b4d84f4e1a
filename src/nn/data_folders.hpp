// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sidetone::nn {

/// The folders in which data of a kind ("models", "chains") is looked for, in this order, as far as they exist:
///   1. those that the environment variable `variable` lists (colon-separated);
///   2. the user's data folder (`user_data_folder`);
///   3. ../share/sidetone/KIND, seen from the program: an installation;
///   4. KIND/ of the source tree that the program was built from;
///   5. share/sidetone/KIND of the prefix it was configured for, for programs that link the library.
/// The environment is read at every call; nothing is cached. Control thread only.
[[nodiscard]] std::vector<std::filesystem::path> data_folders(const std::string& kind, const char* variable);

/// $XDG_DATA_HOME/sidetone/KIND, or ~/.local/share/sidetone/KIND; empty when neither variable is set.
[[nodiscard]] std::filesystem::path user_data_folder(const std::string& kind);

}  // namespace sidetone::nn
