// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace sidetone::dsp {

/// Noise with as much power in every octave, root mean square about 2.
[[nodiscard]] std::vector<float> pink_noise(std::size_t frames, std::mt19937_64& random);

}  // namespace sidetone::dsp
