// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "dsp/compressor.hpp"
#include "stage/settings.hpp"

namespace sidetone::stage {

/// A compressor as its table in a chain file has it. Without `full_scale_db_spl` the device's calibration counts.
struct CompressTable {
    dsp::CompressorSettings compressor;
    bool has_full_scale = false;
    std::size_t channels = 1;  ///< of the chain that it was read for
};

/// Reads
///
///     attack_ms = 5
///     release_ms = 80
///     ears = "independent"             # or "linked"
///     full_scale_db_spl = 115          # else the device's calibration
///     edges_hz = [200, 800, 8000]      # else every band has a centre_hz, or the bands are equally wide in ERB
///     knee_db = 0                      # these four for every band that does not say otherwise
///     expansion_below_db_spl = 30
///     expansion_ratio = 2
///     output_limit_db_spl = 105
///     [[….band]]                       # 2 to 18 of them
///     centre_hz = 500
///     levels_db_spl = [40, 60, 80]
///     gains_db = [20, 10, 0]           # or left_gains_db and right_gains_db, for channels 1 and 2
///
/// Throws InputError; gains that rise with the level, or fall faster than it rises, are named. Control thread only.
[[nodiscard]] CompressTable read_compressor(const Settings& settings, std::size_t channels);

}  // namespace sidetone::stage
