// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/command_line.hpp"

namespace sidetone::cli {

/// What the program returns to the shell.
enum ExitCode : int {
    kFine = 0,
    kFellShort = 1,  ///< it ran, and missed a block, a target or a check
    kBadInput = 2,   ///< the user gave something that cannot be
};

/// Every sub-command adds itself to `app`; its callback stores what the program is to return in `exit_code`. One file
/// each.
void add_run(Command app, int& exit_code);
void add_process(Command app, int& exit_code);
void add_devices(Command app, int& exit_code);
void add_models(Command app, int& exit_code);
void add_bench(Command app, int& exit_code);
void add_doctor(Command app, int& exit_code);
void add_mix(Command app, int& exit_code);
void add_measure(Command app, int& exit_code);
void add_measure_electroacoustic(Command measure, int& exit_code);
void add_measure_latency(Command measure, int& exit_code);
void add_measure_surround(Command measure, int& exit_code);
void add_prescribe(Command app, int& exit_code);
void add_calibrate(Command app, int& exit_code);
void add_hrir(Command app, int& exit_code);
void add_hrir_walk(Command hrir, int& exit_code);

/// Writes to `file` (beside, then renamed). Throws InputError.
void write_json(const std::filesystem::path& file, const nlohmann::json& value);
void write_text(const std::filesystem::path& file, const std::string& text);

/// Checks that `file` could be written, before hours of work are done for nothing. Throws InputError.
void check_writable(const std::filesystem::path& file);

}  // namespace sidetone::cli
