// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cli/profile_command.hpp"
#include "device/cards.hpp"
#include "engine/chain_file.hpp"
#include "engine/profile_file.hpp"
#include "rt/error.hpp"

namespace sidetone::cli {
namespace {

namespace fs = std::filesystem;

struct ProfileArguments {
    std::string device, chain;
    std::vector<std::string> settings;
    std::uint32_t channels = 2;
};

fs::path file_of_profiles() {
    auto file = engine::profile_file();
    if (file.empty()) throw InputError("profile: found neither XDG_CONFIG_HOME nor HOME, expected one of them");
    return file;
}

/// The name that a run has for it: what plays when nothing is named has one too, and so has a card that is there and
/// named in part.
std::string named(const std::string& device) {
    if (device == "default") return device::playback_name({});
    if (device == "rtaudio") return device::playback_name({.output = device});
    if (!device.starts_with("rtaudio:")) return device;
    try {
        return device::playback_name({.output = device});
    } catch (const InputError&) {
        return device;  // may be one that comes back
    }
}

/// "jack:PORTS" and "sim:NAME" are of the cards "jack" and "sim".
bool is_there_now(const std::string& device) {
    const auto cards = device::list_cards();
    const auto kind = device.starts_with("rtaudio:") ? device : device.substr(0, device.find(':'));
    return std::ranges::find(cards, kind, &device::CardInfo::name) != cards.end();
}

/// "5.1" is a number, and the name of a layout: what the chain refuses as the one may be fine as the other.
void fit(engine::Profile& profile, const std::vector<std::string>& values, engine::ChainSettings& chain) {
    try {
        chain.restore(profile.settings);
    } catch (const InputError&) {
        for (std::size_t n = 0; n < values.size(); ++n) {
            auto settings = profile.settings;
            if (std::holds_alternative<std::string>(settings[n].value)) continue;
            settings[n].value = values[n];
            try {
                chain.restore(settings);
            } catch (const InputError&) {
                continue;  // the first refusal is the one to tell
            }
            profile.settings = std::move(settings);
            return;
        }
        throw;
    }
}

/// "spatialise.balance_db=2". A file is kept by its whole path, for a profile is used from anywhere.
Change setting_of(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        throw InputError(
            fmt::format("--set: found \"{}\", expected NAME=VALUE, such as spatialise.balance_db=2", text));
    }
    auto setting = engine::parse_setting(text.substr(0, equals), text.substr(equals + 1));
    std::error_code error;
    if (auto* value = std::get_if<std::string>(&setting.value);
        value != nullptr && fs::is_regular_file(*value, error)) {
        *value = fs::absolute(*value).string();
    }
    return setting;
}

void print(const std::string& device, const engine::Profile& profile) {
    fmt::print("{}: {}\n", device, profile.chain);
    for (const auto& setting : profile.settings) fmt::print("  {} = {}\n", setting.name, engine::setting_text(setting));
}

int save(const ProfileArguments& arguments) {
    const auto file = file_of_profiles();
    auto profiles = engine::read_profiles(file);
    engine::Profile profile{.chain = arguments.chain, .settings = {}};
    std::vector<std::string> values;
    for (const auto& text : arguments.settings) {
        profile.settings.push_back(setting_of(text));
        values.push_back(text.substr(text.find('=') + 1));
    }
    const auto chain = engine::find_chain(arguments.chain);
    auto read = engine::read_chain(chain, arguments.channels);
    fit(profile, values, read.settings);
    std::error_code error;
    if (fs::equivalent(chain, arguments.chain, error)) profile.chain = fs::absolute(chain).string();
    const auto device = named(arguments.device);
    profiles[device] = profile;
    engine::write_profiles(file, profiles);
    print(device, profile);
    fmt::print("written to {}\n", file.string());
    if (!is_there_now(device))
        fmt::print("no device \"{}\" is there now; `sidetone devices` lists those that are\n", device);
    return kFine;
}

int list() {
    const auto profiles = engine::read_profiles(file_of_profiles());
    if (profiles.empty()) fmt::print("no device has a profile yet; see sidetone profile save --help\n");
    for (const auto& [device, profile] : profiles) print(device, profile);
    return kFine;
}

const engine::Profile& find(const engine::Profiles& profiles, const fs::path& file, const std::string& device) {
    const auto found = profiles.find(device);
    if (found != profiles.end()) return found->second;
    throw InputError(fmt::format("{}: found no profile of \"{}\", expected one that `sidetone profile list` shows",
                                 file.string(), device));
}

int show(const ProfileArguments& arguments) {
    const auto file = file_of_profiles();
    const auto profiles = engine::read_profiles(file);
    const auto device = named(arguments.device);
    print(device, find(profiles, file, device));
    return kFine;
}

int remove(const ProfileArguments& arguments) {
    const auto file = file_of_profiles();
    auto profiles = engine::read_profiles(file);
    const auto device = named(arguments.device);
    (void)find(profiles, file, device);
    profiles.erase(device);
    engine::write_profiles(file, profiles);
    return kFine;
}

}  // namespace

void add_profile(Command app, int& exit_code) {
    auto arguments = std::make_shared<ProfileArguments>();
    auto profile = app.add_subcommand("profile", "What is heard on which device, for `sidetone run` to restore");
    profile.require_subcommand();
    const auto with_device = [&](const char* name, const char* text) {
        auto command = profile.add_subcommand(name, text);
        command
            .add_option("device", arguments->device,
                        "The card that plays: jack, one that `sidetone devices` lists, or \"default\"")
            .required();
        return command;
    };
    auto saving = with_device("save", "Keep a chain and settings of it for a device");
    saving.add_option("chain", arguments->chain, "Chain file, or the name of a ready-made chain").required();
    saving
        .add_option("--set", arguments->settings,
                    "A setting, NAME=VALUE, by its name in docs/live-changes.md; any number")
        .one_at_a_time();
    saving.add_option("--channels", arguments->channels, "Channels that the settings are checked with")
        .in_range(1, 16)
        .capture_default_str();
    saving.footer(
        "Example: sidetone profile save jack surround --set spatialise.hrir=room.sofa --set spatialise.balance_db=1.5");
    saving.callback([arguments, &exit_code] { exit_code = save(*arguments); });
    with_device("show", "Print the profile of a device").callback([arguments, &exit_code] {
        exit_code = show(*arguments);
    });
    with_device("remove", "Forget the profile of a device").callback([arguments, &exit_code] {
        exit_code = remove(*arguments);
    });
    profile.add_subcommand("list", "Print all profiles").callback([&exit_code] { exit_code = list(); });
}

}  // namespace sidetone::cli
