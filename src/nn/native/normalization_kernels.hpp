// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sidetone::nn::native {

struct RowStatistics {
    float mean = 0;
    float inverse_deviation = 0;  ///< 1 / √(variance + epsilon)
};

/// In two passes, since the difference of squares would lose what it is after, and in double precision.
[[nodiscard]] RowStatistics row_statistics(const float* x, std::size_t count, float epsilon) noexcept;

/// y[i] = (x[i] − mean)·inverse_deviation·factors[i] + shifts[i]; `shifts` may be null: none. In place is fine.
void normalise_row(RowStatistics row, const float* factors, const float* shifts, const float* x, float* y,
                   std::size_t count) noexcept;

}  // namespace sidetone::nn::native
