// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/toml_table.hpp"

namespace sidetone::stage {

/// The settings of one table of a chain file, each with a default: a thin layer over `nn::TomlTable`, which does the
/// checking and the messages (`FILE:LINE: stage "denoise", key "mode": found …, expected …`). Set-up only.
class Settings {
public:
    /// `where` names the table for people: `stage "denoise"`. The table must outlive this object.
    Settings(const toml::table& table, const std::string& file, const std::string& where)
        : table_(table, file, "", where + ", ") {}

    [[nodiscard]] double number(std::string_view key, double fallback, double low, double high) const;
    [[nodiscard]] std::uint32_t integer(std::string_view key, std::uint32_t fallback, std::uint32_t low,
                                        std::uint32_t high) const;
    [[nodiscard]] std::string text(std::string_view key, std::string_view fallback) const;
    /// One of `choices`; returns its index.
    [[nodiscard]] std::size_t choice(std::string_view key, std::string_view fallback,
                                     std::span<const std::string_view> choices) const;

    /// An array of numbers; empty when the key is missing.
    [[nodiscard]] std::vector<double> numbers(std::string_view key, double low, double high) const;

    [[nodiscard]] bool has(std::string_view key) const { return table_.has(key); }

    /// The file that a text names, beside the chain file unless it is absolute.
    [[nodiscard]] std::filesystem::path file(std::string_view key) const;

    /// The tables of an array such as [[stage.gains]]; none when the key is missing.
    [[nodiscard]] std::vector<Settings> tables(std::string_view key) const;

    /// Marks `key` as known without reading it.
    void skip(std::string_view key) const { (void)table_.has(key); }

    /// To be called when all keys have been read: throws for the first one that is left.
    void finish() const { table_.finish(); }

    [[noreturn]] void fail(std::string_view key, const std::string& found, const std::string& expected) const {
        table_.fail(key, found, expected);
    }

private:
    explicit Settings(nn::TomlTable table) : table_(std::move(table)) {}

    nn::TomlTable table_;
};

}  // namespace sidetone::stage
