// SPDX-License-Identifier: Apache-2.0
#include "nn/native/round_weights.hpp"

namespace sidetone::nn::native {

void round_weights(Program& program) {
    // What the first-level cache may hold is read fast enough.
    constexpr std::size_t kLeastBytes = std::size_t{1} << 16U;
    std::size_t bytes = 0;
    for (const auto& step : program.steps) {
        if (step.round_weights != nullptr) bytes += step.weight_bytes;
    }
    if (bytes <= kMostFloatWeightBytes) return;
    for (auto& step : program.steps) {
        const bool waits = step.weight_bytes >= kLeastBytes && step.vectors <= kMostVectorsOfRounded;
        if (step.round_weights != nullptr && waits) step.round_weights(step);
    }
}

}  // namespace sidetone::nn::native
