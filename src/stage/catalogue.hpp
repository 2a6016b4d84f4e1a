// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "stage/settings.hpp"
#include "stage/spectral_gain.hpp"
#include "stage/stage.hpp"

namespace sidetone::stage {

/// Makes the stage that `kind` names from its table in a chain file, for so many channels. Reads the stage's own keys;
/// the caller has read those that all stages share. Throws InputError, for an unknown key and an unknown kind with the
/// list of what there is.
[[nodiscard]] std::unique_ptr<Stage> make_stage(std::string_view kind, Settings& settings, std::uint32_t channels);

/// The same for a link of a filter bank, from a table [[stage.gains]]; `kind` has been read.
[[nodiscard]] std::unique_ptr<SpectralGain> make_spectral_gain(std::string_view kind, Settings& settings,
                                                               std::uint32_t channels);

}  // namespace sidetone::stage
