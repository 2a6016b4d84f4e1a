// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "dsp/hrir_measures.hpp"
#include "dsp/hrir_set.hpp"

namespace sidetone::cli {

/// A direction of a set with what is measured of it; azimuth from -180 to 180 degrees.
struct MeasuredDirection {
    dsp::Direction direction;
    const dsp::EarPair* ears = nullptr;
    dsp::EarPairMeasures measures;
};

/// Responses of both ears, their spectra, and the differences between the ears over azimuth, as SVG. `ring` goes around
/// the head by azimuth, and is not empty.
[[nodiscard]] std::string draw_hrir(const std::vector<MeasuredDirection>& ring, std::uint32_t rate_hz,
                                    const std::string& title, const std::string& conditions);

}  // namespace sidetone::cli
