// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sidetone::dsp {

// A step of Burg's recursion over whole arrays. Audio thread; no heap, constant work; any alignment.

struct BurgSums {
    double products, squares;
};

/// Σ f[n] b[n], and Σ f[n]² + b[n]².
[[nodiscard]] BurgSums burg_sums(const double* forward, const double* backward, std::size_t count) noexcept;

/// f[n] and b[n] become f[n] + k b[n] and b[n] + k f[n].
void burg_update(double reflection, double* forward, double* backward, std::size_t count) noexcept;

}  // namespace sidetone::dsp
