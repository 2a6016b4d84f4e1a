// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command_line.hpp"

namespace sidetone::cli {

/// The sub-commands of `sidetone bench`; one file each.
void add_bench_transport(Command bench, int& exit_code);
void add_bench_chain(Command bench, int& exit_code);
void add_bench_denoise(Command bench, int& exit_code);
void add_bench_infer(Command bench, int& exit_code);
void add_bench_interruptions(Command bench, int& exit_code);
void add_bench_convolve(Command bench, int& exit_code);
void add_bench_features(Command bench, int& exit_code);
void add_bench_decode(Command bench, int& exit_code);
void add_bench_speech(Command bench, int& exit_code);

}  // namespace sidetone::cli
