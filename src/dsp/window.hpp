// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace sidetone::dsp {

enum class WindowShape { rectangular, hann, sqrt_hann, vorbis };

/// Throws std::invalid_argument for an unknown name ("rectangular", "hann", "sqrt_hann", "vorbis").
[[nodiscard]] WindowShape window_shape(std::string_view name);

/// `length` samples of the periodic window; Vorbis lies half a sample off the grid, as its definition has it, and is
/// symmetric.
[[nodiscard]] std::vector<float> make_window(WindowShape shape, std::size_t length);

}  // namespace sidetone::dsp
