// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "engine/chain_file.hpp"

namespace sidetone::engine {

/// A chain that runs over sound in memory as `process_file` runs it over a file: unpaced, on the control thread.
class OfflineChain {
public:
    /// Reads the chain and makes its stages, for a card of that calibration. Throws InputError.
    OfflineChain(const std::filesystem::path& chain, std::uint32_t rate_hz, std::uint32_t channels,
                 const stage::Calibration& calibration = {});

    /// From silence, with `input` on every channel: what comes out of `channel` (0 is the first), as long as the input,
    /// the chain's delay taken off. A sample beyond full scale stops there, as a card's converter would stop it.
    [[nodiscard]] std::vector<float> run(std::span<const float> input, std::uint32_t channel);

    /// Of the last run.
    [[nodiscard]] std::uint32_t delay_frames() const noexcept { return delay_frames_; }

    /// The same: hops that the model failed on.
    [[nodiscard]] std::uint64_t misses() const noexcept;

private:
    ChainFile file_;
    std::uint32_t rate_hz_, delay_frames_ = 0;
};

}  // namespace sidetone::engine
