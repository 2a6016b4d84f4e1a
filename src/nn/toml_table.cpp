// SPDX-License-Identifier: Apache-2.0
#include "nn/toml_table.hpp"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace sidetone::nn {
namespace {

std::string range(std::int64_t min, std::int64_t max) {
    return fmt::format("from {} to {}", min, max);
}

}  // namespace

std::string described(const toml::node& node) {
    if (const auto* text = node.as_string()) return in_quotes(text->get());
    if (const auto* integer = node.as_integer()) return fmt::format("{}", integer->get());
    if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
    if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
    if (node.is_array()) return "an array";
    if (node.is_table()) return "a table";
    return "a date or time";
}

std::string in_quotes(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) result += c == '\n' || c == '\r' ? ' ' : c;
    return result + '"';
}

toml::table parse_toml(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    if (!stream || std::filesystem::is_directory(file)) {
        throw InputError{fmt::format("{}: cannot be read", file.string())};
    }
    std::ostringstream text;
    text << stream.rdbuf();
    try {
        return toml::parse(text.str(), file.string());
    } catch (const toml::parse_error& error) {
        throw InputError{
            fmt::format("{}:{}: not valid TOML: {}", file.string(), error.source().begin.line, error.description())};
    }
}

TomlTable::TomlTable(const toml::table& table, std::filesystem::path file, std::string prefix, std::string where)
    : table_(table), file_(std::move(file)), prefix_(std::move(prefix)), where_(std::move(where)) {}

bool TomlTable::has(std::string_view key) const {
    asked_.emplace(key);
    return table_.contains(key);
}

std::string TomlTable::text(std::string_view key, const std::string& expected,
                            const std::function<bool(std::string_view)>& is_good) const {
    const auto& node = require(key, expected);
    const auto* value = node.as_string();
    if (value == nullptr || value->get().empty() || (is_good && !is_good(value->get()))) {
        fail(key, described(node), expected);
    }
    return value->get();
}

std::int64_t TomlTable::integer(std::string_view key, std::int64_t min, std::int64_t max) const {
    const auto expected = "an integer " + range(min, max);
    const auto& node = require(key, expected);
    const auto* value = node.as_integer();
    if (value == nullptr || value->get() < min || value->get() > max) fail(key, described(node), expected);
    return value->get();
}

double TomlTable::number(std::string_view key, double min, double max) const {
    const auto expected = fmt::format("a number from {} to {}", min, max);
    const auto& node = require(key, expected);
    const auto value = node.value<double>();
    if (!node.is_number() || !value || !(*value >= min && *value <= max)) fail(key, described(node), expected);
    return *value;
}

std::vector<std::int64_t> TomlTable::integers(std::string_view key, std::int64_t min, std::int64_t max) const {
    const auto expected = "an array of integers " + range(min, max);
    const auto& node = require(key, expected);
    const auto* array = node.as_array();
    if (array == nullptr) fail(key, described(node), expected);
    std::vector<std::int64_t> values;
    for (const auto& element : *array) {
        const auto* value = element.as_integer();
        if (value == nullptr || value->get() < min || value->get() > max) {
            fail(key, described(element) + " in it", expected);
        }
        values.push_back(value->get());
    }
    return values;
}

std::vector<double> TomlTable::numbers(std::string_view key, double min, double max) const {
    const auto expected = fmt::format("an array of numbers from {} to {}", min, max);
    const auto& node = require(key, expected);
    const auto* array = node.as_array();
    if (array == nullptr) fail(key, described(node), expected);
    std::vector<double> values;
    for (const auto& element : *array) {
        const auto value = element.value<double>();
        const bool is_good = element.is_number() && *value >= min && *value <= max;
        if (!is_good) fail(key, described(element) + " in it", expected);
        values.push_back(*value);
    }
    return values;
}

std::vector<std::string> TomlTable::texts(std::string_view key, std::size_t min_count) const {
    const auto expected = fmt::format("an array of at least {} texts that are not empty", min_count);
    const auto& node = require(key, expected);
    const auto* array = node.as_array();
    if (array == nullptr || array->size() < min_count) fail(key, described(node), expected);
    std::vector<std::string> values;
    for (const auto& element : *array) {
        const auto value = element.value<std::string>();
        if (!value || value->empty()) fail(key, described(element) + " in it", expected);
        values.push_back(*value);
    }
    return values;
}

TomlTable TomlTable::table(std::string_view key) const {
    const auto& node = require(key, "a table");
    const auto* value = node.as_table();
    if (value == nullptr) fail(key, described(node), "a table");
    return {*value, file_, fmt::format("{}{}.", prefix_, key), where_};
}

std::vector<TomlTable> TomlTable::tables(std::string_view key, std::size_t min_count) const {
    const auto expected = fmt::format("an array of at least {} table{}", min_count, min_count == 1 ? "" : "s");
    const auto& node = require(key, expected);
    const auto* array = node.as_array();
    if (array == nullptr) fail(key, described(node), expected);
    if (array->size() < min_count) fail(key, fmt::format("{}", array->size()), expected);
    std::vector<TomlTable> result;
    for (const auto& element : *array) {
        const auto* value = element.as_table();
        if (value == nullptr) fail(key, described(element) + " in it", expected);
        result.emplace_back(*value, file_, fmt::format("{}{}.", prefix_, key), where_);
    }
    return result;
}

void TomlTable::finish() const {
    for (const auto& [key, node] : table_) {
        if (asked_.contains(key.str())) continue;
        std::string known;
        for (const auto& name : asked_) known += (known.empty() ? "" : ", ") + in_quotes(name);
        fail(key.str(), "an unknown key", "one of " + known);
    }
}

void TomlTable::fail(std::string_view key, const std::string& found, const std::string& expected) const {
    const auto* node = table_.get(key);
    const auto line = (node != nullptr ? node->source() : table_.source()).begin.line;
    // What was changed since lies on no line.
    const auto place = line == 0 ? std::string{} : fmt::format("{}:", line);
    throw InputError{fmt::format("{}:{} {}key \"{}{}\": found {}, expected {}", file_.string(), place, where_, prefix_,
                                 key, found, expected)};
}

const toml::node& TomlTable::require(std::string_view key, const std::string& expected) const {
    asked_.emplace(key);
    const auto* node = table_.get(key);
    if (node == nullptr) fail(key, "nothing", expected);
    return *node;
}

}  // namespace sidetone::nn
