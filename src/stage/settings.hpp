// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rt/error.hpp"

namespace sidetone::stage {

/// Strict reader of one table of a chain file: a key that nobody asks for, a value of another type or out of range is
/// an InputError that names file, line, table, key, found and expected. Set-up only.
class Settings {
public:
    /// `where` names the table for people: `stage "denoise"`. The table must outlive this object.
    Settings(const toml::table& table, std::string file, std::string where);

    [[nodiscard]] double number(std::string_view key, double fallback, double low, double high);
    [[nodiscard]] std::uint32_t integer(std::string_view key, std::uint32_t fallback, std::uint32_t low,
                                        std::uint32_t high);
    [[nodiscard]] std::string text(std::string_view key, std::string_view fallback);
    [[nodiscard]] bool flag(std::string_view key, bool fallback);
    /// One of `choices`; returns its index.
    [[nodiscard]] std::size_t choice(std::string_view key, std::string_view fallback,
                                     std::span<const std::string_view> choices);

    /// To be called when all keys have been read: throws for the first one that is left.
    void finish() const;

    /// `FILE:LINE: WHERE, key "KEY": found …, expected …` as an error.
    [[noreturn]] void fail(std::string_view key, std::string_view found, std::string_view expected) const;

    /// The key's node as it is, nullptr when missing.
    [[nodiscard]] const toml::node* find(std::string_view key);

private:
    const toml::table& table_;
    std::string file_, where_;
    std::vector<std::string> known_;
};

/// How a value looks in the file, for error messages.
[[nodiscard]] std::string as_written(const toml::node& node);

}  // namespace sidetone::stage
