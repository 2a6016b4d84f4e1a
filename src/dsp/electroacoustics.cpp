// SPDX-License-Identifier: Apache-2.0
#include "dsp/electroacoustics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace sidetone::dsp {
namespace {

// Preferred numbers (ISO 3, R 20): six an octave, with those of the high-frequency average among them.
constexpr std::array kCurveHz{200.0,  224.0,  250.0,  280.0,  315.0,  355.0,  400.0,  450.0,  500.0,  560.0,  630.0,
                              710.0,  800.0,  900.0,  1000.0, 1120.0, 1250.0, 1400.0, 1600.0, 1800.0, 2000.0, 2240.0,
                              2500.0, 2800.0, 3150.0, 3550.0, 4000.0, 4500.0, 5000.0, 5600.0, 6300.0, 7100.0, 8000.0};
constexpr std::array kAverageHz{1000.0, 1600.0, 2500.0};
constexpr double kSaturatingDbSpl = 90, kSoftDbSpl = 50, kResponseDbSpl = 60;
// OSPL90 less this: normal speech of 65 dB SPL with peaks 12 dB above it then just reaches the limit.
constexpr double kReferenceBelowLimitDb = 77;
constexpr double kRangeBelowAverageDb = 20;
constexpr double kStepHz = 2000, kStepLowDbSpl = 55, kStepHighDbSpl = 90;
constexpr std::array kInputOutputDbSpl{50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0, 85.0, 90.0};

struct DistortionTone {
    double frequency_hz, input_db_spl;
};
constexpr std::array kDistortion{DistortionTone{500, 70}, DistortionTone{800, 70}, DistortionTone{1600, 65}};

double high_frequency_average(std::span<const double> frequency_hz, std::span<const double> value_db) {
    double sum = 0;
    for (const double wanted : kAverageHz) {
        const auto at = std::find(frequency_hz.begin(), frequency_hz.end(), wanted) - frequency_hz.begin();
        sum += value_db[static_cast<std::size_t>(at)];
    }
    return sum / kAverageHz.size();
}

// Where the straight line (over the logarithm of frequency) between points i and i + 1 meets `line_db`.
double crossing_hz(std::span<const double> frequency_hz, std::span<const double> value_db, std::size_t i,
                   double line_db) {
    const double share = (line_db - value_db[i]) / (value_db[i + 1] - value_db[i]);
    return frequency_hz[i] * std::pow(frequency_hz[i + 1] / frequency_hz[i], share);
}

FrequencyRange range_above(std::span<const double> frequency_hz, std::span<const double> value_db, double line_db) {
    FrequencyRange range{.low_hz = frequency_hz.front(), .high_hz = frequency_hz.back()};
    const auto is_above = [&](double value) { return value >= line_db; };
    const auto first = std::find_if(value_db.begin(), value_db.end(), is_above) - value_db.begin();
    const auto last = value_db.rend() - std::find_if(value_db.rbegin(), value_db.rend(), is_above) - 1;
    if (first > 0 && last >= first)
        range.low_hz = crossing_hz(frequency_hz, value_db, static_cast<std::size_t>(first) - 1, line_db);
    if (last >= 0 && last + 1 < std::ssize(value_db))
        range.high_hz = crossing_hz(frequency_hz, value_db, static_cast<std::size_t>(last), line_db);
    return range;
}

struct Highest {
    double value_db, frequency_hz;
};

// The lowest frequency of a plateau.
Highest highest(std::span<const double> frequency_hz, std::span<const double> value_db) {
    constexpr double kPlateauDb = 0.05;
    const double most = *std::max_element(value_db.begin(), value_db.end());
    const auto is_high = [&](double value) { return value >= most - kPlateauDb; };
    const auto at = std::find_if(value_db.begin(), value_db.end(), is_high) - value_db.begin();
    return {value_db[static_cast<std::size_t>(at)], frequency_hz[static_cast<std::size_t>(at)]};
}

void measure_curves(const TestBox& box, const ElectroacousticsProgress& progress, Electroacoustics& result) {
    std::copy_if(kCurveHz.begin(), kCurveHz.end(), std::back_inserter(result.frequency_hz),
                 [&](double frequency_hz) { return box.reaches(frequency_hz); });
    const auto& at_hz = result.frequency_hz;
    progress("output at 90 dB SPL", 0);
    result.ospl90_db_spl = box.output_db_spl(at_hz, kSaturatingDbSpl);
    progress("gain at 50 dB SPL", 0.22);
    result.full_on_gain_db = box.output_db_spl(at_hz, kSoftDbSpl);
    for (auto& value : result.full_on_gain_db) value -= kSoftDbSpl;
    progress("response at 60 dB SPL", 0.44);
    result.response_db_spl = box.output_db_spl(at_hz, kResponseDbSpl);

    result.hfa_ospl90_db_spl = high_frequency_average(at_hz, result.ospl90_db_spl);
    result.hfa_full_on_gain_db = high_frequency_average(at_hz, result.full_on_gain_db);
    const double hfa_response_db_spl = high_frequency_average(at_hz, result.response_db_spl);
    result.hfa_gain_db = hfa_response_db_spl - kResponseDbSpl;
    result.reference_test_gain_db = std::min(result.hfa_ospl90_db_spl - kReferenceBelowLimitDb, result.hfa_gain_db);
    result.range = range_above(at_hz, result.response_db_spl, hfa_response_db_spl - kRangeBelowAverageDb);
    const auto loudest = highest(at_hz, result.ospl90_db_spl), strongest = highest(at_hz, result.full_on_gain_db);
    result.highest_ospl90_db_spl = loudest.value_db;
    result.highest_ospl90_hz = loudest.frequency_hz;
    result.highest_full_on_gain_db = strongest.value_db;
    result.highest_full_on_gain_hz = strongest.frequency_hz;
}

}  // namespace

Electroacoustics measure_electroacoustics(const TestBox& box, std::span<const double> input_output_frequency_hz,
                                          const ElectroacousticsProgress& progress) {
    const ElectroacousticsProgress tell = progress ? progress : [](std::string_view, double) {};
    Electroacoustics result;
    measure_curves(box, tell, result);
    tell("harmonic distortion", 0.66);
    for (const auto& tone : kDistortion) {
        // The standard's comparison needs the second harmonic as well.
        if (box.reaches(2 * tone.frequency_hz))
            result.distortion.push_back(box.harmonic_distortion(tone.frequency_hz, tone.input_db_spl));
    }
    tell("noise", 0.8);
    result.output_noise_db_spl = box.noise_db_spl();
    result.equivalent_input_noise_db_spl = result.output_noise_db_spl - result.hfa_full_on_gain_db;
    tell("input and output", 0.82);
    for (const double frequency_hz : input_output_frequency_hz) {
        result.input_output.push_back({.frequency_hz = frequency_hz,
                                       .input_db_spl = {kInputOutputDbSpl.begin(), kInputOutputDbSpl.end()},
                                       .output_db_spl = box.input_output_db_spl(frequency_hz, kInputOutputDbSpl)});
    }
    tell("attack and release", 0.9);
    result.step = box.step_response(kStepHz, kStepLowDbSpl, kStepHighDbSpl);
    tell("", 1);
    return result;
}

}  // namespace sidetone::dsp
