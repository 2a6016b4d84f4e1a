// SPDX-License-Identifier: Apache-2.0
#include "dsp/feedback_canceller_kernels.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/feedback_canceller_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
static_assert(kCancellerStride % 16 == 0);

// Where the spectrum that belongs to weight `age` lies.
HWY_ATTR std::size_t place_of(const CancellerSpectra& s, std::size_t age) {
    const std::size_t place = s.newest + age;
    return (place < s.partitions ? place : place - s.partitions) * kCancellerStride;
}

HWY_ATTR void estimate(const CancellerSpectra& s, float* HWY_RESTRICT re, float* HWY_RESTRICT im) {
    const D d;
    for (std::size_t k = 0; k < kCancellerStride; k += hn::Lanes(d)) {
        auto sum_re = hn::Zero(d), sum_im = hn::Zero(d);
        for (std::size_t age = 0; age < s.partitions; ++age) {
            const std::size_t u = place_of(s, age) + k, w = age * kCancellerStride + k;
            const auto u_re = hn::Load(d, s.played_re + u), u_im = hn::Load(d, s.played_im + u);
            const auto w_re = hn::Load(d, s.weight_re + w), w_im = hn::Load(d, s.weight_im + w);
            sum_re = hn::NegMulAdd(u_im, w_im, hn::MulAdd(u_re, w_re, sum_re));
            sum_im = hn::MulAdd(u_im, w_re, hn::MulAdd(u_re, w_im, sum_im));
        }
        hn::Store(sum_re, d, re + k);
        hn::Store(sum_im, d, im + k);
    }
}

HWY_ATTR void adapt(const CancellerSpectra& s, const CancellerStep& step) {
    const D d;
    const auto retained = hn::Set(d, step.retained), renewed = hn::Set(d, 1 - step.retained);
    const auto least = hn::Set(d, step.least_uncertainty);
    for (std::size_t k = 0; k < kCancellerStride; k += hn::Lanes(d)) {
        const auto near = hn::Load(d, step.near_power + k);
        auto expected = hn::Add(near, near);
        for (std::size_t age = 0; age < s.partitions; ++age) {
            const std::size_t u = place_of(s, age) + k;
            const auto u_re = hn::Load(d, s.whitened_re + u), u_im = hn::Load(d, s.whitened_im + u);
            const auto power = hn::MulAdd(u_re, u_re, hn::Mul(u_im, u_im));
            expected = hn::MulAdd(power, hn::Load(d, s.uncertainty + age * kCancellerStride + k), expected);
        }
        const auto share = hn::Div(hn::Set(d, 1.0F), expected);
        const auto e_re = hn::Mul(hn::Load(d, step.error_re + k), share);
        const auto e_im = hn::Mul(hn::Load(d, step.error_im + k), share);
        for (std::size_t age = 0; age < s.partitions; ++age) {
            const std::size_t u = place_of(s, age) + k, w = age * kCancellerStride + k;
            const auto u_re = hn::Load(d, s.whitened_re + u), u_im = hn::Load(d, s.whitened_im + u);
            const auto p = hn::Load(d, s.uncertainty + w);
            const auto w_re = hn::MulAdd(p, hn::MulAdd(u_re, e_re, hn::Mul(u_im, e_im)), hn::Load(d, s.weight_re + w));
            const auto w_im =
                hn::MulAdd(p, hn::NegMulAdd(u_im, e_re, hn::Mul(u_re, e_im)), hn::Load(d, s.weight_im + w));
            hn::Store(w_re, d, s.weight_re + w);
            hn::Store(w_im, d, s.weight_im + w);
            const auto power = hn::MulAdd(u_re, u_re, hn::Mul(u_im, u_im));
            const auto learnt = hn::Mul(hn::Mul(power, p), hn::Mul(share, hn::Set(d, 0.5F)));
            const auto square = hn::MulAdd(w_re, w_re, hn::Mul(w_im, w_im));
            const auto next = hn::MulAdd(retained, hn::NegMulAdd(learnt, p, p), hn::Mul(renewed, square));
            hn::Store(hn::Max(next, least), d, s.uncertainty + w);
        }
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {
namespace {

HWY_EXPORT(estimate);
HWY_EXPORT(adapt);

}  // namespace

void estimate_feedback(const CancellerSpectra& spectra, float* estimate_re, float* estimate_im) noexcept {
    HWY_DYNAMIC_DISPATCH(estimate)(spectra, estimate_re, estimate_im);
}

void adapt_canceller(const CancellerSpectra& spectra, const CancellerStep& step) noexcept {
    HWY_DYNAMIC_DISPATCH(adapt)(spectra, step);
}

}  // namespace sidetone::dsp
#endif  // HWY_ONCE
