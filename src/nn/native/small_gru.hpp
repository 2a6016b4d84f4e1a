// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nn/native/program_memory.hpp"

namespace sidetone::nn::native {

/// A GRU layer whose units fit into one vector's lanes, resetting after the recurrent product:
///
///     z = σ(Wz·x + Rz·h + bz), r = σ(Wr·x + Rr·h + br), n = tanh(Wn·x + bn + r·(Rn·h + cn)), h' = (1 − z)·n + z·h
///
/// A step of such a layer waits for the one before it, not for arithmetic: everything that a step does happens in
/// registers in one pass, and what the directions and sequences of a batch do overlaps.
struct SmallGru {
    static constexpr std::size_t kMaxHidden = 16;

    struct Direction {
        /// bz, br, bn, cn, then three gates for every input, then three for every unit; each filled up to `width`.
        ProgramVector<float> weights;
        bool backwards = false;
    };

    std::size_t steps = 0, batch = 0, inputs = 0, hidden = 0;
    std::size_t width = 0;  ///< lanes for the units: 4, 8 or 16
    std::vector<Direction> directions;

    /// `input` is [3·hidden, inputs] and `recurrent` [3·hidden, hidden], with gates in the order z, r, n; the biases
    /// have one value per row.
    void add_direction(std::span<const float> input, std::span<const float> recurrent,
                       std::span<const float> input_bias, std::span<const float> recurrent_bias, bool backwards);
};

/// `x` is [steps, batch, inputs], `initial_h` [directions, batch, hidden] or null for zeros, `y` [steps, directions,
/// batch, hidden], `last_h` as `initial_h`.
void run_small_gru(const SmallGru& layer, const float* x, const float* initial_h, float* y, float* last_h) noexcept;

}  // namespace sidetone::nn::native
