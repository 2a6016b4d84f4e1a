// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "stage/settings.hpp"
#include "stage/spatialise.hpp"

namespace sidetone::stage {

/// Reads the keys of a stage "spatialise", and its responses. Throws InputError.
[[nodiscard]] SpatialiseSettings read_spatialise(const Settings& settings, std::uint32_t channels);

}  // namespace sidetone::stage
