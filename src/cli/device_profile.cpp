// SPDX-License-Identifier: Apache-2.0
#include "cli/device_profile.hpp"

#include <fmt/format.h>

#include <exception>
#include <optional>
#include <system_error>

#include "engine/chain_file.hpp"
#include "engine/profile_file.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

std::optional<engine::Profile> profile_of(const std::string& device) {
    const auto profiles = engine::read_profiles(engine::profile_file());
    const auto found = profiles.find(device);
    return found == profiles.end() ? std::nullopt : std::optional{found->second};
}

/// Not, where its chain is there no more.
bool is_for(const engine::Profile& profile, const std::filesystem::path& chain) {
    try {
        std::error_code error;
        return std::filesystem::equivalent(engine::find_chain(profile.chain), chain, error);
    } catch (const std::exception&) {
        return false;
    }
}

}  // namespace

std::string chain_of_device(const std::string& device) {
    if (auto profile = profile_of(device)) return profile->chain;
    throw InputError(fmt::format(
        "run: found neither a chain nor a profile of \"{0}\", expected a chain file, the name of a chain, or "
        "before: sidetone profile save \"{0}\" CHAIN",
        device));
}

std::vector<Change> settings_of_device(const std::string& device, const std::filesystem::path& chain) {
    const auto profile = profile_of(device);
    if (!profile) return {};
    if (is_for(*profile, chain)) return profile->settings;
    throw InputError(
        fmt::format("found one for the chain \"{}\", and left it: {} is what runs", profile->chain, chain.string()));
}

bool has_settings(const std::string& device, const std::filesystem::path& chain) {
    const auto profile = profile_of(device);
    return profile && is_for(*profile, chain);
}

}  // namespace sidetone::cli
