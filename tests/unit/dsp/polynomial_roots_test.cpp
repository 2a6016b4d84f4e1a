// SPDX-License-Identifier: Apache-2.0
#include "dsp/polynomial_roots.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "rt/guard.hpp"

namespace sidetone::dsp {
namespace {

using Roots = std::vector<std::complex<double>>;

/// The real polynomial that has these roots, of which complex ones come in pairs.
std::vector<double> product(const Roots& roots) {
    Roots coefficients{1};
    for (const auto root : roots) {
        coefficients.emplace_back(0);
        for (std::size_t n = coefficients.size() - 1; n > 0; --n) coefficients[n] -= root * coefficients[n - 1];
    }
    std::vector<double> real;
    for (const auto c : coefficients) real.push_back(c.real());
    return real;
}

void add_pair(Roots& roots, double radius, double radians) {
    roots.push_back(std::polar(radius, radians));
    roots.push_back(std::polar(radius, -radians));
}

/// The most that one of `expected` is away from the nearest of `found`, each of which counts once.
double largest_error(Roots found, const Roots& expected) {
    double largest = 0;
    for (const auto root : expected) {
        const auto nearest = std::min_element(found.begin(), found.end(),
                                              [&](auto a, auto b) { return std::abs(a - root) < std::abs(b - root); });
        largest = std::max(largest, std::abs(*nearest - root));
        found.erase(nearest);
    }
    return largest;
}

TEST(PolynomialRoots, AreThoseItWasMadeOf) {
    std::mt19937 random(3);
    std::uniform_real_distribution<double> radius(0.4, 0.995), angle(0.05, 3.09), real(-0.95, 0.95);
    for (const std::size_t degree : {2U, 5U, 10U, 12U, 16U}) {
        PolynomialRoots roots(degree);
        int unsure = 0;
        for (int turn = 0; turn < 400; ++turn) {
            Roots expected;
            while (expected.size() + 2 <= degree) {
                if (turn % 4 == 0 && expected.size() == 2) {
                    expected.emplace_back(real(random));
                    expected.emplace_back(real(random));
                } else {
                    add_pair(expected, radius(random), angle(random));
                }
            }
            if (expected.size() < degree) expected.emplace_back(real(random));
            if (!roots.find(product(expected))) {
                ++unsure;
                continue;
            }
            const Roots found(roots.roots().begin(), roots.roots().end());
            ASSERT_LT(largest_error(found, expected), 1e-4) << degree << ' ' << turn;
        }
        EXPECT_LE(unsure, 4) << degree;
    }
}

TEST(PolynomialRoots, OfAVoiceAreFoundToTheLastBits) {
    Roots expected;
    for (const double hz : {700.0, 1220.0, 2600.0, 3300.0, 4500.0}) add_pair(expected, 0.96, hz / 5500 * 3.14159265);
    PolynomialRoots roots(10);
    ASSERT_TRUE(roots.find(product(expected)));
    EXPECT_LT(largest_error({roots.roots().begin(), roots.roots().end()}, expected), 1e-12);
}

TEST(PolynomialRoots, OfWhatIsNoNumberAreSaidToBeUnsure) {
    PolynomialRoots roots(4);
    EXPECT_FALSE(roots.find(std::vector<double>{1, 0, std::numeric_limits<double>::quiet_NaN(), 0, 0}));
}

TEST(PolynomialRoots, MakeNoHeapCalls) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "the interposer is not linked in";
    PolynomialRoots roots(2);
    const std::vector<double> coefficients{1, 0, -0.25};
    bool found = false;
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope(rt::RealtimeKind::audio);
        found = roots.find(coefficients);
    }
    EXPECT_TRUE(found);
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
