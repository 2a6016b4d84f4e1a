// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command_line.hpp"

namespace sidetone::cli {

/// `measure voice`; as the sub-commands of cli/command.hpp.
void add_measure_voice(Command measure, int& exit_code);

}  // namespace sidetone::cli
