// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/chain_settings.hpp"
#include "stage/stage.hpp"

namespace sidetone::engine {

/// A stage as the chain file has it, made but not yet prepared.
struct ChainStage {
    std::string name;      ///< unique in the chain; the kind where the file gives none
    double budget_us = 0;  ///< for the ledger; 0: none
    std::unique_ptr<stage::Stage> stage;
};

/// A chain file, read and checked.
///
///     description = "what it does"
///     channels = 2               # 1 to 16; without it as many as the sound has
///     callback_budget_us = 1000  # optional
///     [[stage]]
///     kind = "denoise"           # name, budget_us and the kind's own keys may follow
struct ChainFile {
    std::filesystem::path path;
    std::string description;
    std::uint32_t channels = 0;
    double callback_budget_us = 0;
    std::vector<ChainStage> stages;
    ChainSettings settings;          ///< of the stages and of their links, to be changed by name
    stage::Calibration calibration;  ///< of the card it is to run on; not in the file
};

/// Reads `path` and makes its stages (which loads their models) for `channels` channels. Throws InputError with file,
/// line, key, found, expected; also when the chain file itself asks for another number of channels.
[[nodiscard]] ChainFile read_chain(const std::filesystem::path& path, std::uint32_t channels);

/// The same from text; `name` stands for the file in errors.
[[nodiscard]] ChainFile read_chain_text(std::string_view text, const std::filesystem::path& name,
                                        std::uint32_t channels);

/// `name` itself when such a file exists, else the chain of that name in `nn::data_folders` of "chains" and
/// $SIDETONE_CHAINS. Throws InputError that lists the chains there are.
[[nodiscard]] std::filesystem::path find_chain(const std::string& name);

}  // namespace sidetone::engine
