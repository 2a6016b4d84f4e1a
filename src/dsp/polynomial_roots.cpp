// SPDX-License-Identifier: Apache-2.0
#include "dsp/polynomial_roots.hpp"

#include <algorithm>
#include <numbers>

namespace sidetone::dsp {
namespace {

// A dozen converge to the last bit for nearly all voices; roots close together want some more.
constexpr int kSteps = 24;
constexpr double kLargestLastStep = 1e-6;

// std::complex's own product and quotient ask for infinities, at several times the price.
struct Number {
    double re, im;
};
Number operator+(Number a, Number b) {
    return {a.re + b.re, a.im + b.im};
}
Number operator*(Number a, Number b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
Number inverse(Number a) {
    const double norm = a.re * a.re + a.im * a.im + 1e-300;
    return {a.re / norm, -a.im / norm};
}
Number number(std::complex<double> a) {
    return {a.real(), a.imag()};
}

}  // namespace

// On a circle, and nowhere symmetric: neither about the real axis, on which pairs could not part, nor among each other.
PolynomialRoots::PolynomialRoots(std::size_t degree) : first_(degree), roots_(degree) {
    for (std::size_t k = 0; k < degree; ++k) {
        const double turn = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(degree) + 0.35;
        first_[k] = std::polar(0.9, turn);
    }
}

bool PolynomialRoots::find(std::span<const double> coefficients) noexcept {
    std::copy(first_.begin(), first_.end(), roots_.begin());
    double largest = 0;
    for (int n = 0; n < kSteps; ++n) {
        largest = 0;
        for (std::size_t k = 0; k < roots_.size(); ++k) {
            const auto moved = step(coefficients, k);
            roots_[k] -= moved;
            // What is no number stays one: it is larger than anything.
            if (const double norm = std::norm(moved); !(norm <= largest)) largest = norm;
        }
    }
    return largest <= kLargestLastStep * kLargestLastStep;
}

// Newton's step N = p / p', held against the pull of all other roots: N / (1 - N Σ 1 / (z - z[j])).
std::complex<double> PolynomialRoots::step(std::span<const double> coefficients, std::size_t root) const noexcept {
    const auto z = number(roots_[root]);
    Number value{1, 0}, slope{0, 0};
    for (std::size_t n = 1; n < coefficients.size(); ++n) {
        slope = slope * z + value;
        value = value * z + Number{coefficients[n], 0};
    }
    Number pull{0, 0};
    for (std::size_t j = 0; j < roots_.size(); ++j) {
        const auto other = number(roots_[j]);
        if (j != root) pull = pull + inverse({z.re - other.re, z.im - other.im});
    }
    const auto taken = value * pull;
    const auto result = value * inverse({slope.re - taken.re, slope.im - taken.im});
    return {result.re, result.im};
}

}  // namespace sidetone::dsp
