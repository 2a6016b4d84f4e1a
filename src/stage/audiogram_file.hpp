// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "dsp/prescription.hpp"

namespace sidetone::stage {

/// What a person hears; an ear that was not measured is left out, and there is one at least.
struct Audiogram {
    std::string name;  ///< empty when the file gives none
    std::optional<dsp::EarAudiogram> left, right;
};

/// Reads thresholds in dB HL, from -10 to 120, at 250, 500, 1000, 2000, 4000 and 8000 Hz and if measured at 750, 1500,
/// 3000 and 6000 Hz, which are otherwise interpolated. A file that ends in ".csv" is a table
///
///     frequency_hz,left,right
///     250,20,25
///
/// with one of the two ears or both, and a cell left empty where a half octave was not measured; any other is TOML:
///
///     name = "An example"
///     [left]
///     250 = 20
///
/// Throws InputError naming file, line, key, what was found and expected. Control thread only.
[[nodiscard]] Audiogram read_audiogram(const std::filesystem::path& file);

}  // namespace sidetone::stage
