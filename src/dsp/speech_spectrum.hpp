// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sidetone::dsp {

/// The level of everyday speech between two frequencies when all of it has `overall_db_spl`: the long-term average of
/// both sexes and twelve languages, third octaves from 63 Hz to 16 kHz (Byrne et al., "An international comparison of
/// long-term average speech spectra", JASA 96(4), 1994, table II). Parts of a third octave count by their share of it
/// on the logarithm of frequency. -300 where there is nothing. Control thread.
[[nodiscard]] double speech_level_between_db_spl(double low_hz, double high_hz, double overall_db_spl) noexcept;

}  // namespace sidetone::dsp
