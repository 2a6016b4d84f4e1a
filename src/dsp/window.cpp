// SPDX-License-Identifier: Apache-2.0
#include "dsp/window.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace sidetone::dsp {

namespace {

/// One sample of the window at `phase` in [0, 1) of its period.
double window_at(WindowShape shape, double phase) {
    const double sine = std::sin(std::numbers::pi * phase);
    switch (shape) {
        case WindowShape::rectangular:
            return 1.0;
        case WindowShape::hann:
            return sine * sine;
        case WindowShape::sqrt_hann:
            return sine;
        // Vorbis I specification, section 1.3.2; its squares add up to one at half overlap.
        case WindowShape::vorbis:
            return std::sin(std::numbers::pi / 2 * sine * sine);
    }
    throw std::invalid_argument("window shape " + std::to_string(static_cast<int>(shape)) + " does not exist");
}

}  // namespace

WindowShape window_shape(std::string_view name) {
    if (name == "rectangular") return WindowShape::rectangular;
    if (name == "hann") return WindowShape::hann;
    if (name == "sqrt_hann") return WindowShape::sqrt_hann;
    if (name == "vorbis") return WindowShape::vorbis;
    throw std::invalid_argument("window \"" + std::string(name) +
                                "\" is unknown; expected rectangular, hann, sqrt_hann or vorbis");
}

std::vector<float> make_window(WindowShape shape, std::size_t length) {
    std::vector<float> window(length);
    // The Vorbis window is sampled between the grid points by definition: symmetric, and no sample of it is zero.
    const double offset = shape == WindowShape::vorbis ? 0.5 : 0.0;
    for (std::size_t n = 0; n < length; ++n) {
        const double phase = (static_cast<double>(n) + offset) / static_cast<double>(length);
        window[n] = static_cast<float>(window_at(shape, phase));
    }
    return window;
}

}  // namespace sidetone::dsp
