// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "dsp/biquad.hpp"
#include "stage/settings.hpp"

namespace sidetone::stage {

/// A parametric equaliser: at most BiquadCascade::kMost filters, one after the other.
struct EqualiserSettings {
    double preamp_db = 0;
    std::vector<dsp::EqualiserFilter> filters;
};

inline constexpr double kMostEqualiserDb = 40;

/// Biquads for `rate_hz`, the preamplifier in the first of them.
[[nodiscard]] std::vector<dsp::Biquad> biquads_of(const EqualiserSettings& settings, double rate_hz);

/// Reads `preamp_db` and either `file` (see below) or the tables [[….filter]] with `shape`, `frequency_hz`, `gain_db`
/// and `q`. Throws InputError. Control thread, like the rest.
[[nodiscard]] EqualiserSettings read_equaliser(const Settings& settings);

/// Reads the plain text that AutoEq and Equalizer APO write:
///
///     Preamp: -6.2 dB
///     Filter 1: ON PK Fc 105 Hz Gain 5.5 dB Q 0.70
///
/// PK, LSC and HSC (LS and HS, with a Q, are the same), LP, HP and NO; what is OFF, and lines that are empty or begin
/// with #, are left out. Throws InputError naming file, line, what was found and expected.
[[nodiscard]] EqualiserSettings read_parametric_file(const std::filesystem::path& file);

}  // namespace sidetone::stage
