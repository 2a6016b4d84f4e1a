// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace sidetone::cli {

/// `sidetone score`; as the commands in command.hpp.
void add_score(CLI::App& app, int& exit_code);

}  // namespace sidetone::cli
