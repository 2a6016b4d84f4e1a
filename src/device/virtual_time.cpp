// SPDX-License-Identifier: Apache-2.0
#include "device/virtual_time.hpp"

#include <algorithm>

namespace sidetone::device {

void VirtualTime::run_for(double seconds) noexcept {
    const double end_ns = now_ns_ + seconds * 1e9;
    while (!actors_.empty()) {
        auto* const first = *std::min_element(actors_.begin(), actors_.end(),
                                              [](const auto* a, const auto* b) { return a->next_ns() < b->next_ns(); });
        if (first->next_ns() > end_ns) break;
        now_ns_ = std::max(now_ns_, first->next_ns());
        first->act();
    }
    now_ns_ = end_ns;
}

}  // namespace sidetone::device
