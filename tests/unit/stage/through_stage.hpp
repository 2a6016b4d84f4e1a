// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "stage/stage.hpp"

namespace sidetone::stage::test {

using Channels = std::vector<std::vector<float>>;

inline StageContext card(std::uint32_t channels, std::uint32_t block = 128, std::uint32_t rate_hz = 48'000) {
    return {.rate_hz = rate_hz, .block_frames = block, .max_block_frames = block, .channels = channels};
}

/// All of `in` through a stage that is prepared, in blocks of `block`; `before_block` is told where each begins.
inline Channels through(Stage& stage, const Channels& in, std::size_t block = 128,
                        const std::function<void(std::size_t)>& before_block = {}) {
    Channels out = in;
    for (std::size_t n = 0; n < in[0].size(); n += block) {
        if (before_block) before_block(n);
        std::vector<float*> buffers;
        for (auto& channel : out) buffers.push_back(channel.data() + n);
        stage.process(buffers.data(), buffers.data(), static_cast<std::uint32_t>(std::min(block, in[0].size() - n)),
                      {});
    }
    return out;
}

}  // namespace sidetone::stage::test
