// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "stage/settings.hpp"
#include "stage/spatialise.hpp"

namespace sidetone::stage {

/// What a stage "spatialise" has in its table.
struct SpatialiseKeys {
    std::filesystem::path hrir;
    std::vector<dsp::Speaker> speakers;
    dsp::Orientation head;
    double lfe_db = 0;
    double fade_ms = 20;
    double balance_db = 0;
    bool same_loudness = false;
    bool helper = false;
};

/// Throws InputError; no file is read.
[[nodiscard]] SpatialiseKeys read_spatialise_keys(const Settings& settings, std::uint32_t channels);

/// The same, and reads the responses. Throws InputError.
[[nodiscard]] SpatialiseSettings read_spatialise(const Settings& settings, std::uint32_t channels);

}  // namespace sidetone::stage
