// SPDX-License-Identifier: Apache-2.0
#include "dsp/toeplitz_solver.hpp"

#include <algorithm>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/toeplitz_solver.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct Residues {
    float predictor, solution;
};

// Both scalar products with the same correlation. Arrays are zero from `count` to the next whole vector.
HWY_INLINE Residues residues(const float* predictor, const float* solution, const float* correlation,
                             std::size_t count) {
    const hn::ScalableTag<float> d;
    auto first = hn::Zero(d), second = hn::Zero(d);
    for (std::size_t j = 0; j < count; j += hn::Lanes(d)) {
        const auto r = hn::LoadU(d, correlation + j);
        first = hn::MulAdd(hn::Load(d, predictor + j), r, first);
        second = hn::MulAdd(hn::Load(d, solution + j), r, second);
    }
    return {hn::GetLane(hn::SumOfLanes(d, first)), hn::GetLane(hn::SumOfLanes(d, second))};
}

// One order more: the predictor and its mirror by `reflection`, then the solution by `step` times the mirror.
HWY_INLINE void extend(float* predictor, float* mirrored, float* solution, float reflection, float step,
                       std::size_t count) {
    const hn::ScalableTag<float> d;
    const auto k = hn::Set(d, reflection), g = hn::Set(d, step);
    for (std::size_t j = 0; j < count; j += hn::Lanes(d)) {
        const auto a = hn::Load(d, predictor + j), b = hn::LoadU(d, mirrored + j);
        const auto turned = hn::MulAdd(k, a, b);
        hn::Store(hn::MulAdd(k, b, a), d, predictor + j);
        hn::StoreU(turned, d, mirrored + j);
        hn::Store(hn::MulAdd(g, turned, hn::Load(d, solution + j)), d, solution + j);
    }
}

// Rounding must not let the recursion grow without bound.
constexpr float kMostReflection = 0.9999F;

// `predictor`, `mirrored` and `solution` are those of order 1, `backwards[size - k]` is r[k].
void solve_from_order_1(float* predictor, float* mirrored, const float* backwards, float* solution, const float* p,
                        std::size_t size) {
    float error = backwards[size];
    for (std::size_t m = 1; m < size; ++m) {
        const auto sums = residues(predictor, solution, backwards + size - m, m);
        const float reflection = std::clamp(-sums.predictor / error, -kMostReflection, kMostReflection);
        error *= 1 - reflection * reflection;
        extend(predictor, mirrored + size - m, solution, reflection, (p[m] - sums.solution) / error, m + 1);
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(solve_from_order_1);

namespace {

constexpr std::size_t kPad = 64;  // at least the lanes of the longest vector: kernels work on whole ones

}  // namespace

ToeplitzSolver::ToeplitzSolver(std::size_t size)
    : size_(size), predictor_(size + kPad), mirrored_(size + kPad), backwards_(size + kPad), solution_(size + kPad) {}

const float* ToeplitzSolver::solve(const float* r, const float* p) noexcept {
    std::fill(predictor_.begin(), predictor_.end(), 0.0F);
    std::fill(mirrored_.begin(), mirrored_.end(), 0.0F);
    std::fill(solution_.begin(), solution_.end(), 0.0F);
    std::reverse_copy(r, r + size_, backwards_.begin() + 1);
    predictor_[0] = mirrored_[size_] = 1;
    solution_[0] = p[0] / r[0];
    HWY_DYNAMIC_DISPATCH(solve_from_order_1)
    (predictor_.data(), mirrored_.data(), backwards_.data(), solution_.data(), p, size_);
    return solution_.data();
}

}  // namespace sidetone::dsp
#endif
