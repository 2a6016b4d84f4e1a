// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sidetone/change.hpp"

namespace sidetone::cli {

/// The chain that the user keeps for a device. Throws InputError: none, or a profile file that cannot be.
[[nodiscard]] std::string chain_of_device(const std::string& device);

/// The settings that the user keeps for a device; none without a profile. Throws InputError, also when the profile is
/// for another chain than `chain`.
[[nodiscard]] std::vector<Change> settings_of_device(const std::string& device, const std::filesystem::path& chain);

/// Whether there is a profile of that device, and for that chain.
[[nodiscard]] bool has_settings(const std::string& device, const std::filesystem::path& chain);

}  // namespace sidetone::cli
