// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sidetone::cli {

/// What the program returns to the shell.
enum ExitCode : int {
    kFine = 0,
    kFellShort = 1,  ///< it ran, and missed a block, a target or a check
    kBadInput = 2,   ///< the user gave something that cannot be
};

/// Every sub-command adds itself to `app`; its callback stores what the program is to return in `exit_code`. One file
/// each.
void add_run(CLI::App& app, int& exit_code);
void add_process(CLI::App& app, int& exit_code);
void add_devices(CLI::App& app, int& exit_code);
void add_models(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_doctor(CLI::App& app, int& exit_code);
void add_mix(CLI::App& app, int& exit_code);
void add_measure(CLI::App& app, int& exit_code);
void add_measure_electroacoustic(CLI::App& measure, int& exit_code);
void add_measure_latency(CLI::App& measure, int& exit_code);
void add_measure_surround(CLI::App& measure, int& exit_code);
void add_prescribe(CLI::App& app, int& exit_code);
void add_calibrate(CLI::App& app, int& exit_code);
void add_hrir(CLI::App& app, int& exit_code);
void add_hrir_walk(CLI::App& hrir, int& exit_code);

/// Writes to `file` (beside, then renamed). Throws InputError.
void write_json(const std::filesystem::path& file, const nlohmann::json& value);
void write_text(const std::filesystem::path& file, const std::string& text);

/// Checks that `file` could be written, before hours of work are done for nothing. Throws InputError.
void check_writable(const std::filesystem::path& file);

}  // namespace sidetone::cli
