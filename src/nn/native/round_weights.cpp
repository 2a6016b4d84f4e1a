// SPDX-License-Identifier: Apache-2.0
#include "nn/native/round_weights.hpp"

namespace sidetone::nn::native {

void round_weights(Program& program) {
    constexpr std::size_t kLeastBytes = std::size_t{1}
                                        << 16U;  // what the first-level cache may hold is read fast enough
    std::size_t bytes = 0;
    for (const auto& step : program.steps) {
        if (step.round_weights != nullptr) bytes += step.weight_bytes;
    }
    if (bytes <= kMostFloatWeightBytes) return;
    for (auto& step : program.steps) {
        if (step.round_weights != nullptr && step.weight_bytes >= kLeastBytes) step.round_weights(step);
    }
}

}  // namespace sidetone::nn::native
