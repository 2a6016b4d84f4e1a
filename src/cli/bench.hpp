// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace sidetone::cli {

/// The sub-commands of `sidetone bench`; one file each.
void add_bench_transport(CLI::App& bench, int& exit_code);
void add_bench_chain(CLI::App& bench, int& exit_code);
void add_bench_denoise(CLI::App& bench, int& exit_code);
void add_bench_infer(CLI::App& bench, int& exit_code);
void add_bench_convolve(CLI::App& bench, int& exit_code);
void add_bench_features(CLI::App& bench, int& exit_code);
void add_bench_decode(CLI::App& bench, int& exit_code);
void add_bench_speech(CLI::App& bench, int& exit_code);

}  // namespace sidetone::cli
