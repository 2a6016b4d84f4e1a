// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.hpp"

namespace sidetone::cli {

/// As the others in command.hpp.
void add_profile(Command app, int& exit_code);

}  // namespace sidetone::cli
