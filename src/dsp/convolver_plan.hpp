// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "dsp/response_matrix.hpp"

namespace sidetone::dsp {

/// How a convolver cuts responses into partitions. The head covers taps from 0 on; the n-th tail from 2 · block on.
struct ConvolverPlan {
    struct Level {
        std::size_t block = 0, partitions = 0;
    };
    std::size_t lanes = 0;  ///< inputs side by side in a vector
    Level head;
    std::vector<Level> tails;  ///< from short to long
};

/// The cheapest plan when blocks of `usual_frames` come, by a model of the processor's time per frame.
[[nodiscard]] ConvolverPlan plan_convolver(const ResponseMatrix& matrix, std::size_t usual_frames);

}  // namespace sidetone::dsp
