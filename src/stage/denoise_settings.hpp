// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stage/denoise.hpp"
#include "stage/denoise_gain.hpp"
#include "stage/settings.hpp"

namespace sidetone::stage {

/// Read the keys of a stage "denoise", and of a link "denoise" of a filter bank. Throw InputError; no model is loaded.
[[nodiscard]] DenoiseSettings read_denoise(const Settings& settings);
[[nodiscard]] DenoiseGainSettings read_denoise_gain(const Settings& settings);

}  // namespace sidetone::stage
