// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// The roots of a polynomial z^n + c[1] z^(n-1) + … + c[n] with real coefficients whose roots lie about the unit
/// circle, as those of linear prediction do: all at once, by Aberth's method (1973), with as many steps for any of
/// them.
///
/// Built on the control thread; the rest one thread at a time. No heap after construction.
class PolynomialRoots {
public:
    explicit PolynomialRoots(std::size_t degree);

    /// `coefficients` are c[0 … degree], c[0] = 1. False when the last step still moved a root by more than 1e-6 of the
    /// unit circle's radius: they are not to be relied on then.
    bool find(std::span<const double> coefficients) noexcept SIDETONE_REALTIME;

    /// In no order.
    [[nodiscard]] std::span<const std::complex<double>> roots() const noexcept { return roots_; }

private:
    [[nodiscard]] std::complex<double> step(std::span<const double> coefficients,
                                            std::size_t root) const noexcept SIDETONE_REALTIME;

    std::vector<std::complex<double>> first_, roots_;
};

}  // namespace sidetone::dsp
