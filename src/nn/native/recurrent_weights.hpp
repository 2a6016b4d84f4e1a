// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace sidetone::nn::native {

// What a recurrent layer says of its weights, as `make_step` asks for it. A `Direction` has the matrices `input`,
// `recurrent` and `reset`.

template <class Direction>
[[nodiscard]] std::size_t weight_bytes_of(const std::vector<Direction>& directions) noexcept {
    std::size_t bytes = 0;
    for (const auto& d : directions) bytes += d.input.bytes() + d.recurrent.bytes() + d.reset.bytes();
    return bytes;
}

template <class Direction>
[[nodiscard]] std::string_view weight_type_of(const std::vector<Direction>& directions) noexcept {
    return directions[0].input.weight_type();
}

template <class Direction>
void round_weights_of(std::vector<Direction>& directions) {
    for (auto& d : directions) {
        for (auto* matrix : {&d.input, &d.recurrent, &d.reset}) matrix->round_weights();
    }
}

}  // namespace sidetone::nn::native
