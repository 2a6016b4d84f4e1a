// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sidetone::stage {

/// What `rt::Event::kind` means, and what its values are.
enum class EventKind : std::uint32_t {
    hop_late,      ///< values: hop, how late the callback that submitted it came (ns), time since it was submitted (ns)
    hop_dropped,   ///< the worker's queue was full. values: hop
    model_failed,  ///< backend error or a non-finite result. values: hop
    block_overrun,       ///< the callback ended after its period. values: how late it came (ns), how long it took (ns)
    frames_lost,         ///< the card skipped input. values: frames, 1 = because the callback before took too long
    canceller_diverged,  ///< a feedback canceller made things louder and began anew. values: how often it has so far
    helper_late,         ///< a helper thread's part of the sound was not there. values: blocks
    not_finite,  ///< NaN or infinity was replaced by silence. values: samples, 0 = at the input, 1 = at the output
};

}  // namespace sidetone::stage
