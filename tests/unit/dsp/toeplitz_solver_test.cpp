// SPDX-License-Identifier: Apache-2.0
#include "dsp/toeplitz_solver.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "rt/guard.hpp"

namespace sidetone::dsp {
namespace {

// A correlation whose spectrum lies between 1 and 1 + `peak`: of a few decaying oscillations over white noise.
std::vector<float> correlation(std::size_t size, double peak, std::mt19937& random) {
    std::uniform_real_distribution<double> uniform;
    std::vector<float> r(size, 0.0F);
    r[0] = 1;
    for (int tone = 0; tone < 3; ++tone) {
        const double turn = M_PI * uniform(random), decay = 0.9 + 0.09 * uniform(random);
        const double height = peak * (1 - decay) / (3 * (1 + decay));
        for (std::size_t n = 0; n < size; ++n) {
            r[n] += static_cast<float>(height * std::pow(decay, n) * std::cos(turn * static_cast<double>(n)));
        }
    }
    return r;
}

TEST(ToeplitzSolver, ResultSolvesTheEquations) {
    std::mt19937 random{5};
    std::uniform_real_distribution<float> uniform{-1, 1};
    for (const std::size_t size : {1U, 2U, 3U, 7U, 8U, 16U, 17U, 63U, 64U, 100U, 256U, 385U}) {
        for (const double peak : {0.0, 10.0, 1000.0}) {
            const auto r = correlation(size, peak, random);
            std::vector<float> p(size);
            for (auto& value : p) value = uniform(random);
            ToeplitzSolver solver{size};
            const float* x = solver.solve(r.data(), p.data());
            double error = 0, power = 0;
            for (std::size_t i = 0; i < size; ++i) {
                double sum = 0;
                for (std::size_t j = 0; j < size; ++j) {
                    sum += static_cast<double>(x[j]) * static_cast<double>(r[i > j ? i - j : j - i]);
                }
                const auto wanted = static_cast<double>(p[i]);
                error += (sum - wanted) * (sum - wanted);
                power += wanted * wanted;
            }
            EXPECT_LT(std::sqrt(error / power), 2e-3) << size << " unknowns, peak " << peak;
        }
    }
}

TEST(ToeplitzSolver, KeepsNothingFromOneCallToTheNext) {
    std::mt19937 random{6};
    const auto first = correlation(64, 100, random), second = correlation(64, 100, random);
    ToeplitzSolver used{64}, fresh{64};
    (void)used.solve(first.data(), second.data());
    const float* again = used.solve(second.data(), first.data());
    const float* once = fresh.solve(second.data(), first.data());
    for (std::size_t n = 0; n < 64; ++n) EXPECT_EQ(again[n], once[n]);
}

TEST(ToeplitzSolver, RunsWithoutTheHeap) {
    if (!rt::interposer_is_present()) GTEST_SKIP() << "nothing counts heap calls here";
    std::mt19937 random{7};
    const auto r = correlation(64, 100, random);
    ToeplitzSolver solver{64};
    rt::reset_realtime_counts();
    {
        const rt::RealtimeScope scope{rt::RealtimeKind::audio};
        (void)solver.solve(r.data(), r.data());
    }
    EXPECT_EQ(rt::realtime_counts(rt::RealtimeKind::audio).heap_calls, 0U);
}

}  // namespace
}  // namespace sidetone::dsp
