// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "engine/report.hpp"
#include "stage/stage.hpp"

namespace sidetone::engine {

struct OfflineOptions {
    std::uint32_t block_frames = 128;
    bool align = false;              ///< take the chain's delay off: the output lies on the input and is as long
    std::uint32_t channels = 0;      ///< so many of the chain's channels are written, from the first on; 0: all
    stage::Calibration calibration;  ///< of the card that the file stands for
    std::function<void(const std::string&)> on_message;  ///< what a user should know before it starts
};

/// Runs the chain `chain_path` over a sound file, as fast as it goes, at the file's rate and with its channels. The
/// output is the input's length and the chain's delay long, so that nothing is lost, and does not depend on the block
/// size. `progress` gets the share done, 0 to 1. Throws InputError; then no output is left behind.
[[nodiscard]] Report process_file(const std::filesystem::path& chain_path, const std::filesystem::path& input,
                                  const std::filesystem::path& output, const OfflineOptions& options,
                                  const std::function<void(double)>& progress);

}  // namespace sidetone::engine
