// SPDX-License-Identifier: Apache-2.0
#include "stage/sofa_file.hpp"

#include <cstddef>
#include <utility>
#include <vector>

#include "stage/sofa_reader.hpp"

namespace sidetone::stage {
namespace {

/// `shifted`, with as much room behind it as the delay takes.
std::vector<float> delayed(const float* taps, std::size_t length, double delay_frames) {
    std::vector<float> response(taps, taps + length);
    if (delay_frames == 0) return response;
    response.resize(delayed_frames(length, delay_frames));
    return dsp::shifted(response, delay_frames);
}

}  // namespace

HrirFile read_sofa_file(const std::filesystem::path& path) {
    const auto sofa = read_sofa_contents(path, find_sofa_reader());
    std::vector<dsp::HrirSet::Measurement> measurements(sofa.directions);
    for (std::size_t m = 0; m < sofa.directions; ++m) {
        measurements[m].direction = {static_cast<double>(sofa.angles_deg[2 * m]),
                                     static_cast<double>(sofa.angles_deg[2 * m + 1])};
        for (std::size_t ear = 0; ear < 2; ++ear) {
            const auto* const taps = sofa.taps.data() + (2 * m + ear) * sofa.frames;
            const auto delay_frames = static_cast<double>(sofa.delay_frames[2 * m + ear]);
            measurements[m].ears[ear] = delayed(taps, sofa.frames, delay_frames);
        }
    }
    return {{sofa.rate_hz, std::move(measurements), path.filename().string()}, "SOFA, SimpleFreeFieldHRIR"};
}

}  // namespace sidetone::stage
