// SPDX-License-Identifier: Apache-2.0
#include "dsp/faded_filter.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/faded_filter.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "dsp/vector_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sounds of two filters from the same samples: out[n] = Σ taps[k] · in[n - k], faded from `before` to `now`.
template <class D>
HWY_INLINE void filter_vector(D d, const float* in, const float* now, const float* before, std::size_t taps,
                              float first_share, float share_step, float* out) {
    auto now_sum = hn::Zero(d), before_sum = hn::Zero(d);
    for (std::size_t k = 0; k < taps; ++k) {
        const auto x = hn::LoadU(d, in - k);
        now_sum = hn::MulAdd(hn::Set(d, now[k]), x, now_sum);
        before_sum = hn::MulAdd(hn::Set(d, before[k]), x, before_sum);
    }
    const auto share = hn::MulAdd(hn::Iota(d, 0), hn::Set(d, share_step), hn::Set(d, first_share));
    hn::StoreU(hn::MulAdd(share, hn::Sub(now_sum, before_sum), before_sum), d, out);
}

// `out` must not be what `in` looks back to.
void filter_faded(const float* in, const float* now, const float* before, std::size_t taps, float first_share,
                  float share_step, float* out, std::size_t count) {
    for_each_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        const float share = first_share + share_step * static_cast<float>(n);
        filter_vector(d, in + n, now, before, taps, share, share_step, out + n);
    });
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>
#include <numbers>

#include "dsp/products.hpp"

namespace sidetone::dsp {

HWY_EXPORT(filter_faded);

FadedFilter::FadedFilter(std::size_t taps, std::size_t fade)
    : fade_(fade), now_(taps), before_(taps), tail_(taps, 1.0F), samples_(taps - 1 + fade) {
    now_[0] = before_[0] = 1;
    const auto fall = taps / 4;
    for (std::size_t n = 0; n < fall; ++n) {
        const double turn = std::numbers::pi * (static_cast<double>(n) + 0.5) / static_cast<double>(fall);
        tail_[taps - fall + n] = static_cast<float>(0.5 + 0.5 * std::cos(turn));
    }
}

void FadedFilter::set_taps(const float* taps) noexcept {
    before_.swap(now_);
    multiply(taps, tail_.data(), now_.data(), now_.size());
    std::copy_n(samples_.data() + filled_, now_.size() - 1, samples_.data());
    filled_ = 0;
}

void FadedFilter::process(const float* in, float* out, std::size_t count) noexcept {
    float* newest = samples_.data() + taps() - 1 + filled_;
    std::copy_n(in, count, newest);
    const float step = 1.0F / static_cast<float>(fade_);
    HWY_DYNAMIC_DISPATCH(filter_faded)
    (newest, now_.data(), before_.data(), taps(), step * static_cast<float>(filled_ + 1), step, out, count);
    filled_ += count;
}

}  // namespace sidetone::dsp
#endif
