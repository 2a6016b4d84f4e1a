// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command_line.hpp"

namespace sidetone::cli {

/// The sub-commands that listen to speech; as those of cli/command.hpp.
void add_transcribe(Command app, int& exit_code);
void add_align(Command app, int& exit_code);
void add_coach(Command app, int& exit_code);
void add_score(Command app, int& exit_code);
void add_bench_words(Command bench, int& exit_code);

}  // namespace sidetone::cli
