// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "nn/native/loop_nest.hpp"

namespace sidetone::nn::native {

/// Copies elements of any type from one strided tensor to another, each from its own first element on.
struct StridedCopy {
    LoopNest<2> nest;
    std::ptrdiff_t from = 0, to = 0;  ///< first elements
    std::size_t element = 4;          ///< bytes

    void operator()(const void* source, void* target) const noexcept {
        switch (element) {
            case 1:
                return copy(static_cast<const std::uint8_t*>(source), static_cast<std::uint8_t*>(target));
            case 4:
                return copy(static_cast<const std::uint32_t*>(source), static_cast<std::uint32_t*>(target));
            default:
                return copy(static_cast<const std::uint64_t*>(source), static_cast<std::uint64_t*>(target));
        }
    }

    template <class T>
    void copy(const T* source, T* target) const noexcept {
        const auto [from_step, to_step] = nest.row_strides();
        const auto count = static_cast<std::ptrdiff_t>(nest.row());
        nest.for_each_row([&, from_step = from_step, to_step = to_step](const auto& at) {
            const T* x = source + from + at[0];
            T* y = target + to + at[1];
            if (from_step == 1 && to_step == 1) {
                std::memcpy(y, x, nest.row() * sizeof(T));
                return;
            }
            for (std::ptrdiff_t i = 0; i < count; ++i) y[i * to_step] = x[i * from_step];
        });
    }
};

}  // namespace sidetone::nn::native
