// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "rt/error.hpp"

namespace sidetone::nn {

/// Parses `file`. Throws InputError: `file:LINE: …` for a syntax error, or that it cannot be read.
[[nodiscard]] toml::table parse_toml(const std::filesystem::path& file);

/// Reads one table of a TOML file strictly: a missing key, a wrong type, a value out of range, and (in `finish`) a key
/// that nobody asked for are InputErrors of the form
///
///     models/gtcrn/model.toml:9: key "front_end.hop": found -5, expected an integer from 1 to 512
///
/// `TomlTable` views the parsed table, which must outlive it. Control thread only.
class TomlTable {
public:
    /// `prefix` is what stands before this table's keys in messages: "" or "front_end."; `where` what stands before all
    /// of it, to tell apart tables that have the same name: "" or `stage "denoise", `.
    TomlTable(const toml::table& table, std::filesystem::path file, std::string prefix = "", std::string where = "");

    /// Whether an optional key is there; it counts as asked for.
    [[nodiscard]] bool has(std::string_view key) const;

    /// `expected` completes the message; `is_good` decides. The default takes any text that is not empty.
    [[nodiscard]] std::string text(std::string_view key, const std::string& expected = "a text that is not empty",
                                   const std::function<bool(std::string_view)>& is_good = {}) const;
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max) const;
    [[nodiscard]] double number(std::string_view key, double min, double max) const;
    /// An array, possibly empty, of integers.
    [[nodiscard]] std::vector<std::int64_t> integers(std::string_view key, std::int64_t min, std::int64_t max) const;
    /// An array, possibly empty, of numbers.
    [[nodiscard]] std::vector<double> numbers(std::string_view key, double min, double max) const;
    /// An array of at least `min_count` texts, none of them empty.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key, std::size_t min_count) const;
    [[nodiscard]] TomlTable table(std::string_view key) const;
    /// An array of at least `min_count` tables.
    [[nodiscard]] std::vector<TomlTable> tables(std::string_view key, std::size_t min_count) const;

    /// A text that names one of `choices`.
    template <class T>
    [[nodiscard]] T choice(std::string_view key, std::initializer_list<std::pair<std::string_view, T>> choices) const;

    /// The file that messages name.
    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

    /// Throws for the first key that has not been asked for.
    void finish() const;

    /// Throws an InputError about `key`, at its line, or at the table's where it is missing.
    [[noreturn]] void fail(std::string_view key, const std::string& found, const std::string& expected) const;

private:
    /// The key's node; throws when it is missing.
    [[nodiscard]] const toml::node& require(std::string_view key, const std::string& expected) const;

    const toml::table& table_;
    std::filesystem::path file_;
    std::string prefix_, where_;
    mutable std::set<std::string, std::less<>> asked_;
};

/// How a value looks in messages: a text in quotes, a number, or what kind of thing it is.
[[nodiscard]] std::string described(const toml::node& node);

/// `"text"`, as messages quote what was found.
[[nodiscard]] std::string in_quotes(std::string_view text);

// ── definitions ─────────────────────────────────────────────────────────────────────────────────

template <class T>
T TomlTable::choice(std::string_view key, std::initializer_list<std::pair<std::string_view, T>> choices) const {
    std::string expected = "one of";
    const char* separator = " ";
    for (const auto& [name, value] : choices) {
        expected += separator + in_quotes(name);
        separator = ", ";
    }
    const auto is_named = [&](std::string_view found) {
        for (const auto& [name, value] : choices) {
            if (name == found) return true;
        }
        return false;
    };
    const auto found = text(key, expected, is_named);
    for (const auto& [name, value] : choices) {
        if (name == found) return value;
    }
    fail(key, in_quotes(found), expected);
}

}  // namespace sidetone::nn
