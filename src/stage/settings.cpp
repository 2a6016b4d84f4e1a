// SPDX-License-Identifier: Apache-2.0
#include "stage/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sidetone::stage {

double Settings::number(std::string_view key, double fallback, double low, double high) const {
    return table_.has(key) ? table_.number(key, low, high) : fallback;
}

std::uint32_t Settings::integer(std::string_view key, std::uint32_t fallback, std::uint32_t low,
                                std::uint32_t high) const {
    return table_.has(key) ? static_cast<std::uint32_t>(table_.integer(key, low, high)) : fallback;
}

std::string Settings::text(std::string_view key, std::string_view fallback) const {
    return table_.has(key) ? table_.text(key) : std::string{fallback};
}

std::size_t Settings::choice(std::string_view key, std::string_view fallback,
                             std::span<const std::string_view> choices) const {
    const auto index = [&](std::string_view name) {
        return static_cast<std::size_t>(std::find(choices.begin(), choices.end(), name) - choices.begin());
    };
    if (!table_.has(key)) return index(fallback);
    const auto expected = fmt::format("one of \"{}\"", fmt::join(choices, "\", \""));
    return index(table_.text(key, expected, [&](std::string_view name) { return index(name) < choices.size(); }));
}

std::vector<double> Settings::numbers(std::string_view key, double low, double high) const {
    return table_.has(key) ? table_.numbers(key, low, high) : std::vector<double>{};
}

std::filesystem::path Settings::file(std::string_view key) const {
    return table_.file().parent_path() / table_.text(key);
}

std::vector<Settings> Settings::tables(std::string_view key) const {
    std::vector<Settings> result;
    if (!table_.has(key)) return result;
    for (auto& table : table_.tables(key, 0)) result.push_back(Settings{std::move(table)});
    return result;
}

}  // namespace sidetone::stage
