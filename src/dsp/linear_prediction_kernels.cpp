// SPDX-License-Identifier: Apache-2.0
#include "dsp/linear_prediction_kernels.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/linear_prediction_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

BurgSums sum_up(const double* forward, const double* backward, std::size_t count) {
    const hn::ScalableTag<double> d;
    const std::size_t lanes = hn::Lanes(d);
    auto products = hn::Zero(d), squares = hn::Zero(d);
    std::size_t n = 0;
    for (; n + lanes <= count; n += lanes) {
        const auto f = hn::LoadU(d, forward + n), b = hn::LoadU(d, backward + n);
        products = hn::MulAdd(f, b, products);
        squares = hn::MulAdd(b, b, hn::MulAdd(f, f, squares));
    }
    BurgSums sums{hn::GetLane(hn::SumOfLanes(d, products)), hn::GetLane(hn::SumOfLanes(d, squares))};
    for (; n < count; ++n) {
        sums.products += forward[n] * backward[n];
        sums.squares += forward[n] * forward[n] + backward[n] * backward[n];
    }
    return sums;
}

void update(double reflection, double* forward, double* backward, std::size_t count) {
    const hn::ScalableTag<double> d;
    const std::size_t lanes = hn::Lanes(d);
    const auto k = hn::Set(d, reflection);
    std::size_t n = 0;
    for (; n + lanes <= count; n += lanes) {
        const auto f = hn::LoadU(d, forward + n), b = hn::LoadU(d, backward + n);
        hn::StoreU(hn::MulAdd(k, b, f), d, forward + n);
        hn::StoreU(hn::MulAdd(k, f, b), d, backward + n);
    }
    for (; n < count; ++n) {
        const double f = forward[n];
        forward[n] += reflection * backward[n];
        backward[n] += reflection * f;
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(sum_up);
HWY_EXPORT(update);

BurgSums burg_sums(const double* forward, const double* backward, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(sum_up)(forward, backward, count);
}

void burg_update(double reflection, double* forward, double* backward, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(update)(reflection, forward, backward, count);
}

}  // namespace sidetone::dsp
#endif
