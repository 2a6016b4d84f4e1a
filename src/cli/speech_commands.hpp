// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace sidetone::cli {

/// The sub-commands that listen to speech; as those of cli/command.hpp.
void add_transcribe(CLI::App& app, int& exit_code);
void add_align(CLI::App& app, int& exit_code);
void add_coach(CLI::App& app, int& exit_code);
void add_score(CLI::App& app, int& exit_code);
void add_bench_words(CLI::App& bench, int& exit_code);

}  // namespace sidetone::cli
