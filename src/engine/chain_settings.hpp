// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "sidetone/change.hpp"
#include "stage/changeable.hpp"

namespace sidetone::engine {

/// The tables of a chain's stages and of their links, as the chain file has them and as they are changed by name while
/// sound runs. What a change makes of a table is read by the code, and within the bounds, of the chain file.
///
/// Control thread; one call at a time.
class ChainSettings {
public:
    ChainSettings() = default;
    explicit ChainSettings(std::filesystem::path file) : file_(std::move(file)) {}

    /// `changeable` may be null: then every change is refused. It must live as long as this. A name that is taken gets
    /// a number.
    void add(const std::string& name, const toml::table& table, stage::Changeable* changeable);

    /// All changes of one stage at once, of several stages one after the other in the order of their first. Throws
    /// InputError for the first that cannot be: then its stage, and those that would have followed, are as they were.
    void change(std::span<const Change> changes);

    /// All as the chain file has it but for `changes`; otherwise as `change`.
    void restore(std::span<const Change> changes);

private:
    struct Part {
        std::string name;
        toml::table original, table;
        stage::Changeable* changeable;
    };

    struct Changed {
        Part* part;
        toml::table table;
    };

    [[nodiscard]] static std::string_view key_of(const Part& part, const Change& change);
    void settle(std::vector<Changed> changed);
    [[nodiscard]] Part& find(const std::string& name);
    void apply(const Part& part, std::string_view key, const Change& change, toml::table& table) const;
    [[nodiscard]] stage::Settings settings(const Part& part, const toml::table& table) const;

    std::filesystem::path file_;
    std::vector<Part> parts_;
};

}  // namespace sidetone::engine
