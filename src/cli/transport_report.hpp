// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/transport_check.hpp"
#include "cli/transport_floor.hpp"
#include "cli/transport_slice.hpp"

namespace sidetone::cli::transport {

/// All that was measured at one block size.
struct BlockOutcome {
    std::uint32_t block_frames = 0;
    std::unique_ptr<Outcome> floor;                  ///< the card with nothing on it
    std::vector<const char*> names;                  ///< of the pipelines
    std::vector<std::unique_ptr<Outcome>> outcomes;  ///< one per name
    CheckResult check;

    [[nodiscard]] const Outcome& of(const char* name) const;
};

struct TransportReport {
    std::string model;
    std::string machine;  ///< processor and kernel, one line
    std::uint32_t rate_hz = 0;
    double seconds = 0;  ///< per pipeline and block
    std::optional<CyclicTest> cyclic;
    std::vector<BlockOutcome> blocks;
};

/// The contract of DESIGN section 9, and more.
[[nodiscard]] nlohmann::json to_json(const TransportReport& report);

/// The comparison at one block size as a table.
[[nodiscard]] std::string table_of(const BlockOutcome& block, std::uint32_t rate_hz);
/// Ratios of medians over all block sizes, and the machine's floor.
[[nodiscard]] std::string summary_of(const TransportReport& report);

}  // namespace sidetone::cli::transport
