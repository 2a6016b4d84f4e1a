// SPDX-License-Identifier: Apache-2.0
#include "engine/chain_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "rt/error.hpp"

namespace sidetone::engine {
namespace {

/// Takes what comes before the first point off `path`.
std::string_view take_step(std::string_view& path) {
    const auto point = path.find('.');
    const auto step = path.substr(0, point);
    path = point == std::string_view::npos ? std::string_view{} : path.substr(point + 1);
    return step;
}

/// The table within `node` that `step` leads to: `node` itself is one, or a row of them, counted from 1.
toml::node* node_at(toml::node& node, std::string_view step) {
    if (auto* table = node.as_table(); table != nullptr) return table->get(step);
    auto* tables = node.as_array();
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), number);
    if (tables == nullptr || error != std::errc{} || end != step.data() + step.size()) return nullptr;
    return number >= 1 && number <= tables->size() ? tables->get(number - 1) : nullptr;
}

void assign(toml::table& table, std::string_view key, const Change& change) {
    const auto* old = table.get(key);
    if (const auto* text = std::get_if<std::string>(&change.value); text != nullptr) {
        table.insert_or_assign(key, *text);
        return;
    }
    const auto* one = std::get_if<double>(&change.value);
    if (one != nullptr && (old == nullptr || !old->is_array())) {
        table.insert_or_assign(key, *one);
        return;
    }
    toml::array array;
    const auto numbers = one != nullptr ? std::vector<double>{*one} : std::get<std::vector<double>>(change.value);
    for (const double number : numbers) array.push_back(number);
    table.insert_or_assign(key, std::move(array));
}

}  // namespace

void ChainSettings::add(const std::string& name, const toml::table& table, stage::Changeable* changeable) {
    const auto is_taken = [&](const std::string& wanted) {
        return std::ranges::any_of(parts_, [&](const Part& part) { return part.name == wanted; });
    };
    auto unique = name;
    for (int number = 2; is_taken(unique); ++number) unique = fmt::format("{}-{}", name, number);
    parts_.push_back({std::move(unique), table, table, changeable});
}

void ChainSettings::change(std::span<const Change> changes) {
    std::vector<Changed> changed;
    for (const auto& change : changes) {
        auto& part = find(change.name);
        auto found = std::ranges::find(changed, &part, &Changed::part);
        if (found == changed.end()) found = changed.insert(changed.end(), Changed{&part, part.table});
        apply(part, key_of(part, change), change, found->table);
    }
    settle(std::move(changed));
}

void ChainSettings::restore(std::span<const Change> changes) {
    std::vector<Changed> wanted;
    for (auto& part : parts_) wanted.push_back({&part, part.original});
    for (const auto& change : changes) {
        auto& part = find(change.name);
        apply(part, key_of(part, change), change, std::ranges::find(wanted, &part, &Changed::part)->table);
    }
    std::erase_if(wanted, [](const Changed& of) { return of.table == of.part->table; });
    settle(std::move(wanted));
}

void ChainSettings::settle(std::vector<Changed> changed) {
    for (auto& [part, table] : changed) {
        part->changeable->change(settings(*part, table));
        part->table = std::move(table);
    }
}

std::string_view ChainSettings::key_of(const Part& part, const Change& change) {
    return std::string_view{change.name}.substr(part.name.size() + 1);
}

// Names may have points in them, so the longest that fits is meant.
ChainSettings::Part& ChainSettings::find(const std::string& name) {
    Part* best = nullptr;
    for (auto& part : parts_) {
        const bool fits =
            name.size() > part.name.size() && name.starts_with(part.name) && name[part.name.size()] == '.';
        if (fits && (best == nullptr || part.name.size() > best->name.size())) best = &part;
    }
    if (best != nullptr) return *best;
    std::vector<std::string> names;
    for (const auto& part : parts_) {
        if (part.changeable != nullptr) names.push_back(part.name);
    }
    throw InputError(fmt::format("{}: change of \"{}\": found no such stage, expected a key of one of \"{}\"",
                                 file_.string(), name, fmt::join(names, "\", \"")));
}

void ChainSettings::apply(const Part& part, std::string_view key, const Change& change, toml::table& table) const {
    constexpr auto kFixed = "a change while sound runs";
    if (part.changeable == nullptr) settings(part, table).fail(key, kFixed, "none: nothing of this stage can change");
    const auto keys = part.changeable->changeable_keys();
    auto rest = key;
    auto step = take_step(rest);
    if (std::ranges::find(keys, step) == keys.end()) {
        settings(part, table)
            .fail(key, kFixed, fmt::format("one of what can change: \"{}\"", fmt::join(keys, "\", \"")));
    }
    toml::node* node = &table;
    while (!rest.empty() && node != nullptr) {
        node = node_at(*node, step);
        step = take_step(rest);
    }
    auto* inner = node == nullptr ? nullptr : node->as_table();
    if (inner == nullptr) settings(part, table).fail(key, "nothing there", "a key of a table that the chain file has");
    assign(*inner, step, change);
}

stage::Settings ChainSettings::settings(const Part& part, const toml::table& table) const {
    stage::Settings settings{table, file_.string(), fmt::format("stage \"{}\"", part.name)};
    for (const auto* const known : {"kind", "name", "budget_us"}) settings.skip(known);
    return settings;
}

}  // namespace sidetone::engine
