// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "engine/chain_file.hpp"
#include "stage/stage.hpp"

namespace sidetone::engine {

/// What a user has measured of one card; a side that was not measured has no value.
struct CardCalibration {
    std::optional<double> input_full_scale_db_spl, output_full_scale_db_spl;
};

/// $XDG_CONFIG_HOME/sidetone/calibration.toml, or in ~/.config.
[[nodiscard]] std::filesystem::path calibration_file();

/// All cards by name; none when there is no such file. Throws InputError. Control thread, like the rest.
[[nodiscard]] std::map<std::string, CardCalibration> read_calibrations(const std::filesystem::path& file);

/// Written beside, then renamed. Throws InputError.
void write_calibrations(const std::filesystem::path& file, const std::map<std::string, CardCalibration>& cards);

/// For a run from card `input` to card `output`; made only if both sides were measured.
[[nodiscard]] stage::Calibration calibration_of(const std::map<std::string, CardCalibration>& cards,
                                                const std::string& input, const std::string& output);

/// What a user has to be told before `chain` sounds with the calibration that it has; empty when there is nothing.
[[nodiscard]] std::string calibration_warning(const ChainFile& chain);

}  // namespace sidetone::engine
