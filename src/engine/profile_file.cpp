// SPDX-License-Identifier: Apache-2.0
#include "engine/profile_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include "engine/calibration_file.hpp"
#include "engine/whole_file.hpp"
#include "nn/toml_table.hpp"

namespace sidetone::engine {
namespace {

namespace fs = std::filesystem;

constexpr auto kExpected = "a number, numbers in brackets, or a text";

/// Numbers only; nothing where there is anything else.
std::optional<std::vector<double>> numbers_of(const toml::array& array) {
    std::vector<double> numbers;
    for (const auto& node : array) {
        const auto number = node.value<double>();
        if (!number) return std::nullopt;
        numbers.push_back(*number);
    }
    return numbers;
}

Change read_setting(const nn::TomlTable& settings, const std::string& name, const toml::node& node) {
    (void)settings.has(name);  // counts as asked for
    if (const auto* text = node.as_string(); text != nullptr) return {name, text->get()};
    if (const auto number = node.value<double>(); number && node.is_number()) return {name, *number};
    if (const auto* array = node.as_array(); array != nullptr) {
        if (auto numbers = numbers_of(*array)) return {name, std::move(*numbers)};
    }
    settings.fail(name, nn::described(node), kExpected);
}

Profile read_profile(const nn::TomlTable& table, const toml::table& raw) {
    Profile profile{.chain = table.text("chain"), .settings = {}};
    if (table.has("settings")) {
        const auto settings = table.table("settings");
        for (const auto& [key, node] : *raw.get_as<toml::table>("settings")) {
            profile.settings.push_back(read_setting(settings, std::string{key.str()}, node));
        }
        settings.finish();
    }
    table.finish();
    return profile;
}

toml::table to_toml(const std::string& device, const Profile& profile) {
    toml::table settings;
    for (const auto& setting : profile.settings) {
        if (const auto* numbers = std::get_if<std::vector<double>>(&setting.value); numbers != nullptr) {
            toml::array array;
            for (const double number : *numbers) array.push_back(number);
            settings.insert_or_assign(setting.name, std::move(array));
        } else if (const auto* number = std::get_if<double>(&setting.value); number != nullptr) {
            settings.insert_or_assign(setting.name, *number);
        } else {
            settings.insert_or_assign(setting.name, std::get<std::string>(setting.value));
        }
    }
    return toml::table{{"device", device}, {"chain", profile.chain}, {"settings", std::move(settings)}};
}

std::optional<double> number_of(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_one = error == std::errc{} && end == text.data() + text.size() && std::isfinite(number);
    return is_one ? std::optional{number} : std::nullopt;
}

}  // namespace

fs::path profile_file() {
    const auto beside = calibration_file();
    return beside.empty() ? beside : beside.parent_path() / "profiles.toml";
}

Profiles read_profiles(const fs::path& file) {
    Profiles profiles;
    if (file.empty() || !is_there(file)) return profiles;
    const auto parsed = nn::parse_toml(file);
    const nn::TomlTable root{parsed, file};
    if (root.has("profile")) {
        const auto tables = root.tables("profile", 0);
        const auto& raw = *parsed.get_as<toml::array>("profile");
        for (std::size_t n = 0; n < tables.size(); ++n) {
            const auto device = tables[n].text("device");
            if (profiles.contains(device))
                tables[n].fail("device", nn::in_quotes(device), "one profile for each device");
            profiles[device] = read_profile(tables[n], *raw[n].as_table());
        }
    }
    root.finish();
    return profiles;
}

void write_profiles(const fs::path& file, const Profiles& profiles) {
    toml::array array;
    for (const auto& [device, profile] : profiles) array.push_back(to_toml(device, profile));
    std::ostringstream out;
    out << "# What is heard on which device. Written by `sidetone profile save`.\n"
        << toml::table{{"profile", std::move(array)}} << '\n';
    std::error_code ignored;  // told when the file cannot be written
    fs::create_directories(file.parent_path(), ignored);
    write_whole(file, out.str());
}

Change parse_setting(const std::string& name, const std::string& value) {
    if (const auto number = number_of(value)) return {name, *number};
    std::vector<double> numbers;
    for (std::size_t begin = 0; begin <= value.size();) {
        const auto end = std::min(value.find(',', begin), value.size());
        const auto number = number_of(std::string_view{value}.substr(begin, end - begin));
        if (!number) return {name, value};
        numbers.push_back(*number);
        begin = end + 1;
    }
    return {name, std::move(numbers)};
}

std::string setting_text(const Change& setting) {
    if (const auto* number = std::get_if<double>(&setting.value); number != nullptr) return fmt::format("{}", *number);
    if (const auto* text = std::get_if<std::string>(&setting.value); text != nullptr) return *text;
    return fmt::format("{}", fmt::join(std::get<std::vector<double>>(setting.value), ","));
}

}  // namespace sidetone::engine
