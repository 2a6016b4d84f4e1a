// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sidetone/change.hpp"

namespace sidetone::engine {

/// What a user wants to hear on one device: a chain, and settings of it that differ from the chain file.
struct Profile {
    std::string chain;  ///< as `find_chain` takes it
    std::vector<Change> settings;
};

/// By the name of the device: what `device::Card::playback_name` says.
using Profiles = std::map<std::string, Profile>;

/// profiles.toml beside the calibrations ($XDG_CONFIG_HOME/sidetone, or in ~/.config); empty when there is no such
/// folder.
[[nodiscard]] std::filesystem::path profile_file();

/// None when there is no such file. Throws InputError: file, line, key, found, expected; or a folder that may not be
/// looked into. Control thread, like the rest.
[[nodiscard]] Profiles read_profiles(const std::filesystem::path& file);

/// Written beside, then renamed. Throws InputError.
void write_profiles(const std::filesystem::path& file, const Profiles& profiles);

/// A value as a user writes it: a number, numbers with commas between them, or any other text.
[[nodiscard]] Change parse_setting(const std::string& name, const std::string& value);

/// The other way round.
[[nodiscard]] std::string setting_text(const Change& setting);

}  // namespace sidetone::engine
