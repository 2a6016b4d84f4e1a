// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace sidetone {

/// A setting of a running chain, and what it is to be (docs/live-changes.md):
///
///     Change{"limit.ceiling_dbfs", -12.0}
///     Change{"compress.band.2.gains_db", std::vector<double>{6, 3, 0}}
///
/// The name is that of a stage, or of a link of a filter bank, and a key of its table; tables within it are counted
/// from 1.
struct Change {
    std::string name;
    std::variant<double, std::string, std::vector<double>> value;
};

}  // namespace sidetone
