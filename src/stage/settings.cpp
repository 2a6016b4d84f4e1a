// SPDX-License-Identifier: Apache-2.0
#include "stage/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

namespace sidetone::stage {

std::string as_written(const toml::node& node) {
    std::ostringstream out;
    node.visit([&](const auto& value) { out << value; });
    auto text = out.str();
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (node.is_string()) return fmt::format("\"{}\"", *node.value<std::string_view>());
    return text;
}

Settings::Settings(const toml::table& table, std::string file, std::string where)
    : table_(table), file_(std::move(file)), where_(std::move(where)) {}

const toml::node* Settings::find(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
}

double Settings::number(std::string_view key, double fallback, double low, double high) {
    const auto* node = find(key);
    if (node == nullptr) return fallback;
    const auto expected = fmt::format("a number from {} to {}", low, high);
    if (!node->is_number()) fail(key, as_written(*node), expected);
    const auto value = *node->value<double>();
    if (!(value >= low && value <= high)) fail(key, as_written(*node), expected);
    return value;
}

std::uint32_t Settings::integer(std::string_view key, std::uint32_t fallback, std::uint32_t low, std::uint32_t high) {
    const auto* node = find(key);
    if (node == nullptr) return fallback;
    const auto expected = fmt::format("a whole number from {} to {}", low, high);
    if (!node->is_integer()) fail(key, as_written(*node), expected);
    const auto value = *node->value<std::int64_t>();
    if (value < low || value > high) fail(key, as_written(*node), expected);
    return static_cast<std::uint32_t>(value);
}

std::string Settings::text(std::string_view key, std::string_view fallback) {
    const auto* node = find(key);
    if (node == nullptr) return std::string{fallback};
    if (!node->is_string() || node->value<std::string_view>()->empty())
        fail(key, as_written(*node), "a text in quotes");
    return std::string{*node->value<std::string_view>()};
}

bool Settings::flag(std::string_view key, bool fallback) {
    const auto* node = find(key);
    if (node == nullptr) return fallback;
    if (!node->is_boolean()) fail(key, as_written(*node), "true or false");
    return *node->value<bool>();
}

std::size_t Settings::choice(std::string_view key, std::string_view fallback,
                             std::span<const std::string_view> choices) {
    const auto* node = find(key);
    const auto expected = fmt::format("one of \"{}\"", fmt::join(choices, "\", \""));
    if (node != nullptr && !node->is_string()) fail(key, as_written(*node), expected);
    const auto value = node == nullptr ? fallback : *node->value<std::string_view>();
    const auto found = std::find(choices.begin(), choices.end(), value);
    if (found == choices.end()) fail(key, fmt::format("\"{}\"", value), expected);
    return static_cast<std::size_t>(found - choices.begin());
}

void Settings::finish() const {
    for (const auto& [key, node] : table_) {
        if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
        fail(key.str(), "an unknown key", fmt::format("one of {}", fmt::join(known_, ", ")));
    }
}

void Settings::fail(std::string_view key, std::string_view found, std::string_view expected) const {
    const auto* node = table_.get(key);
    const auto line = node != nullptr ? node->source().begin.line : table_.source().begin.line;
    throw InputError(
        fmt::format("{}:{}: {}, key \"{}\": found {}, expected {}", file_, line, where_, key, found, expected));
}

}  // namespace sidetone::stage
