// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "rt/stall_watch.hpp"

namespace sidetone::cli {

/// `--watch-stalls` of a benchmark whose threads have at most that priority. Null where it is not wanted, and where
/// nobody can watch, which is said.
[[nodiscard]] std::unique_ptr<rt::StallWatch> watch_stalls(bool is_wanted, int watched_priority);

}  // namespace sidetone::cli
