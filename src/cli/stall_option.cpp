// SPDX-License-Identifier: Apache-2.0
#include "cli/stall_option.hpp"

#include <spdlog/spdlog.h>

#include <string>

namespace sidetone::cli {

std::unique_ptr<rt::StallWatch> watch_stalls(bool is_wanted, int watched_priority) {
    if (!is_wanted) return nullptr;
    std::string why;
    auto watch = rt::StallWatch::start_or_say(watched_priority, why);
    if (watch == nullptr) spdlog::warn("--watch-stalls: nobody watches: {}", why);
    return watch;
}

}  // namespace sidetone::cli
