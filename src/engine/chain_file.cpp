// SPDX-License-Identifier: Apache-2.0
#include "engine/chain_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "nn/data_folders.hpp"
#include "rt/error.hpp"
#include "stage/catalogue.hpp"
#include "stage/settings.hpp"

namespace sidetone::engine {
namespace {

constexpr std::uintmax_t kLargestFile = 1 << 20;
constexpr std::size_t kMostStages = 64;
constexpr std::uint32_t kMostChannels = 16;

toml::table parse(std::string_view text, const std::string& file) {
    try {
        return toml::parse(text, file);
    } catch (const toml::parse_error& error) {
        throw InputError(
            fmt::format("{}:{}: not valid TOML: {}", file, error.source().begin.line, error.description()));
    }
}

ChainStage read_stage(const toml::table& table, const std::string& file, std::uint32_t channels) {
    stage::Settings unnamed{table, file, "stage"};
    const auto kind = unnamed.text("kind", "");
    if (kind.empty()) unnamed.fail("kind", "nothing", "the kind of the stage");
    stage::Settings settings{table, file, fmt::format("stage \"{}\"", kind)};
    settings.skip("kind");
    ChainStage result;
    result.name = settings.text("name", kind);
    result.budget_us = settings.number("budget_us", 0, 0, 1e6);
    result.stage = stage::make_stage(kind, settings, channels);
    return result;
}

// Every stage has a line of its own in the ledger, apart from those of the chain itself (engine/chain.cpp).
void number_equal_names(std::vector<ChainStage>& stages) {
    std::set<std::string> taken{"card lateness", "convert in", "convert out", "callback", "due to done"};
    for (auto& stage : stages) {
        const auto wanted = stage.name;
        for (int number = 2; !taken.insert(stage.name).second; ++number) {
            stage.name = fmt::format("{}-{}", wanted, number);
        }
    }
}

// Stages have the names that the ledger shows; what is left of them goes to the links of filter banks.
ChainSettings settings_of(const ChainFile& chain, const toml::array& tables) {
    ChainSettings settings{chain.path};
    for (std::size_t i = 0; i < tables.size(); ++i) {
        settings.add(chain.stages[i].name, *tables[i].as_table(), chain.stages[i].stage->changeable());
    }
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const auto links = chain.stages[i].stage->changeable_links();
        for (std::size_t link = 0; link < links.size(); ++link) {
            const auto& table = *tables[i].as_table()->at("gains").as_array()->at(link).as_table();
            const auto kind = table["kind"].value_or(std::string{});
            settings.add(table["name"].value_or(kind), table, links[link]);
        }
    }
    return settings;
}

const toml::array* stage_array(const toml::table& table, const stage::Settings& settings) {
    settings.skip("stage");
    const auto* node = table.get("stage");
    if (node == nullptr) return nullptr;
    const auto* stages = node->as_array();
    if (stages == nullptr || !stages->is_homogeneous<toml::table>()) {
        settings.fail("stage", nn::described(*node), "tables, each headed [[stage]]");
    }
    if (stages->size() > kMostStages) {
        settings.fail("stage", fmt::format("{} stages", stages->size()), fmt::format("at most {}", kMostStages));
    }
    return stages;
}

}  // namespace

ChainFile read_chain_text(std::string_view text, const std::filesystem::path& name, std::uint32_t channels) {
    const auto file = name.string();
    const auto table = parse(text, file);
    stage::Settings settings{table, file, "chain"};
    ChainFile chain;
    chain.path = name;
    chain.description = settings.text("description", "no description");
    chain.channels = settings.integer("channels", channels, 1, kMostChannels);
    if (chain.channels != channels) {
        settings.fail("channels", std::to_string(chain.channels),
                      fmt::format("{}, as many as the sound has", channels));
    }
    chain.callback_budget_us = settings.number("callback_budget_us", 0, 0, 1e6);
    const auto* stages = stage_array(table, settings);
    settings.finish();
    if (stages == nullptr || stages->empty())
        throw InputError(fmt::format("{}: found no [[stage]], expected at least one", file));
    for (const auto& node : *stages) chain.stages.push_back(read_stage(*node.as_table(), file, chain.channels));
    number_equal_names(chain.stages);
    chain.settings = settings_of(chain, *stages);
    return chain;
}

ChainFile read_chain(const std::filesystem::path& path, std::uint32_t channels) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) throw InputError(fmt::format("{}: cannot be read: {}", path.string(), error.message()));
    if (size > kLargestFile) {
        throw InputError(
            fmt::format("{}: found {} bytes, expected a chain file of at most {}", path.string(), size, kLargestFile));
    }
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) throw InputError(fmt::format("{}: cannot be read", path.string()));
    return read_chain_text(text.str(), path, channels);
}

std::filesystem::path find_chain(const std::string& name) {
    if (std::filesystem::is_regular_file(name)) return name;
    std::vector<std::string> known;
    for (const auto& folder : nn::data_folders("chains", "SIDETONE_CHAINS")) {
        for (const auto& file : {folder / name, folder / (name + ".toml")}) {
            if (std::filesystem::is_regular_file(file)) return file;
        }
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator{folder, error})
            known.push_back(entry.path().stem().string());
    }
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    throw InputError(
        fmt::format("chain \"{}\": found no such file, expected a path or one of: {}", name, fmt::join(known, ", ")));
}

}  // namespace sidetone::engine
