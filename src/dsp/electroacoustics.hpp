// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "dsp/test_box.hpp"

namespace sidetone::dsp {

/// Output at one frequency for a range of inputs.
struct InputOutputCurve {
    double frequency_hz = 0;
    std::vector<double> input_db_spl, output_db_spl;
};

/// Where the response lies above the line 20 dB below its high-frequency average; at most what was measured.
struct FrequencyRange {
    double low_hz = 0, high_hz = 0;
};

/// The figures of a hearing aid's data sheet after ANSI S3.22 and IEC 60118-0/-7. HFA: the high-frequency average, the
/// mean in dB at 1000, 1600 and 2500 Hz.
///
/// A chain has no volume control, so all is measured as the chain is set, which stands for full-on; the reference test
/// gain is the gain to which the standard would turn it down.
struct Electroacoustics {
    std::vector<double> frequency_hz;     ///< of the three curves
    std::vector<double> ospl90_db_spl;    ///< output at 90 dB SPL
    std::vector<double> full_on_gain_db;  ///< at 50 dB SPL
    std::vector<double> response_db_spl;  ///< output at 60 dB SPL

    double highest_ospl90_db_spl = 0, highest_ospl90_hz = 0, hfa_ospl90_db_spl = 0;
    double highest_full_on_gain_db = 0, highest_full_on_gain_hz = 0, hfa_full_on_gain_db = 0;
    double hfa_gain_db = 0;             ///< at 60 dB SPL
    double reference_test_gain_db = 0;  ///< HFA-OSPL90 - 77 dB, or hfa_gain_db where that is less
    FrequencyRange range;
    std::vector<HarmonicDistortion> distortion;
    double output_noise_db_spl = 0;            ///< -infinity when nothing comes out without input
    double equivalent_input_noise_db_spl = 0;  ///< the same, less hfa_full_on_gain_db
    std::vector<InputOutputCurve> input_output;
    StepResponse step;  ///< 55 to 90 to 55 dB SPL at 2000 Hz
};

/// Told what is being measured and the share that is done, 0 to 1.
using ElectroacousticsProgress = std::function<void(std::string_view what, double share)>;

/// All procedures, with input/output curves at the frequencies given. Control thread.
[[nodiscard]] Electroacoustics measure_electroacoustics(const TestBox& box,
                                                        std::span<const double> input_output_frequency_hz,
                                                        const ElectroacousticsProgress& progress = {});

}  // namespace sidetone::dsp
