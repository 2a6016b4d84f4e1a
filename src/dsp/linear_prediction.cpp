// SPDX-License-Identifier: Apache-2.0
#include "dsp/linear_prediction.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "dsp/linear_prediction_kernels.hpp"

namespace sidetone::dsp {
namespace {

std::size_t checked(std::size_t length, std::size_t order) {
    if (order < 1 || order >= length) {
        throw std::invalid_argument("linear prediction: found order " + std::to_string(order) +
                                    ", expected 1 to less than the " + std::to_string(length) + " samples");
    }
    return length;
}

}  // namespace

LinearPrediction::LinearPrediction(std::size_t length, std::size_t order)
    : order_(order),
      forward_(checked(length, order)),
      backward_(length),
      coefficients_(order + 1),
      previous_(order + 1) {}

void LinearPrediction::analyse(std::span<const double> samples) noexcept {
    const std::size_t length = forward_.size();
    std::copy_n(samples.begin(), length, forward_.begin());
    std::copy_n(samples.begin(), length, backward_.begin());
    std::fill(coefficients_.begin(), coefficients_.end(), 0.0);
    coefficients_[0] = 1;
    gain_ = 1;
    for (std::size_t m = 1; m <= order_; ++m) {
        // forward[n] is of sample n, backward[n - 1] of the stretch that begins at n - m.
        const std::size_t count = length - m;
        double* forward = forward_.data() + m;
        double* backward = backward_.data();
        const auto sums = burg_sums(forward, backward, count);
        const double reflection = sums.squares > 0 ? -2 * sums.products / sums.squares : 0;
        burg_update(reflection, forward, backward, count);
        std::copy(coefficients_.begin(), coefficients_.end(), previous_.begin());
        for (std::size_t k = 1; k <= m; ++k) coefficients_[k] += reflection * previous_[m - k];
        gain_ /= std::max(1e-12, 1 - reflection * reflection);
    }
}

}  // namespace sidetone::dsp
