// SPDX-License-Identifier: Apache-2.0
#include "dsp/limiter_kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "dsp/vector_target.hpp"

#ifndef SIDETONE_DSP_INTERPOLATOR
#define SIDETONE_DSP_INTERPOLATOR
namespace sidetone::dsp {
namespace {

using Interpolator = std::array<std::array<float, kInterpolatorTaps>, 3>;

/// The three points between two samples: sinc under a Kaiser window.
Interpolator make_interpolator() {
    constexpr double kBeta = 3.6;
    constexpr double kHalf = kInterpolatorTaps / 2.0;
    Interpolator phases{};
    for (std::size_t phase = 0; phase < phases.size(); ++phase) {
        std::array<double, kInterpolatorTaps> taps{};
        double sum = 0;
        for (std::size_t t = 0; t < taps.size(); ++t) {
            const double distance = static_cast<double>(t) - (kHalf - 1) - static_cast<double>(phase + 1) / 4;
            const double x = std::numbers::pi * distance;
            const double place = distance / kHalf;
            taps[t] = std::sin(x) / x * std::cyl_bessel_i(0.0, kBeta * std::sqrt(1 - place * place));
            sum += taps[t];
        }
        for (std::size_t t = 0; t < taps.size(); ++t) phases[phase][t] = static_cast<float>(taps[t] / sum);
    }
    return phases;
}

const Interpolator kInterpolator = make_interpolator();

}  // namespace
}  // namespace sidetone::dsp
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/limiter_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "dsp/bounded_samples-inl.hpp"
#include "dsp/vector_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> loudest(D d, const float* const* in, std::size_t channels, std::size_t at) {
    auto peak = hn::Abs(load_bounded(d, in[0] + at));
    for (std::size_t c = 1; c < channels; ++c) peak = hn::Max(peak, hn::Abs(load_bounded(d, in[c] + at)));
    return peak;
}

/// A scan, so that four frames wait for those before them once. Rounding keeps the order of numbers, so the largest may
/// be taken before or after a product: as long as each frame multiplies once, it is frame after frame's, bit by bit.
[[gnu::hot]] float followed_peaks(const float* const* in, std::size_t channels, std::size_t first, float decay,
                                  float before, float* envelope, std::size_t count) {
    std::size_t n = 0;
#if HWY_TARGET != HWY_SCALAR
    const hn::CappedTag<float, 4> d;
    HWY_ALIGN const float after_first[] = {1, decay, decay, decay};
    HWY_ALIGN const float after_second[] = {1, 1, decay, decay};
    HWY_ALIGN const float after_third[] = {1, 1, 1, decay};
    const auto every = hn::Set(d, decay), from_second = hn::Load(d, after_first);
    const auto from_third = hn::Load(d, after_second), fourth = hn::Load(d, after_third);
    auto carried = hn::Set(d, before);
    for (; n + 4 <= count; n += 4) {
        auto peak = loudest(d, in, channels, first + n);
        peak = hn::Max(peak, hn::Mul(hn::ShiftLeftLanes<1>(d, peak), every));
        peak = hn::Max(peak, hn::Mul(hn::Mul(hn::ShiftLeftLanes<2>(d, peak), every), every));
        carried = hn::Mul(hn::Mul(hn::Mul(hn::Mul(carried, every), from_second), from_third), fourth);
        peak = hn::Max(peak, carried);
        hn::StoreU(peak, d, envelope + n);
        carried = hn::Broadcast<3>(peak);
    }
    before = hn::GetLane(carried);
#endif
    const hn::CappedTag<float, 1> single;
    for (; n < count; ++n) {
        before = std::max(hn::GetLane(loudest(single, in, channels, first + n)), before * decay);
        envelope[n] = before;
    }
    return before;
}

void raise_true_peaks(const float* in, float* peak, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        auto highest = hn::Max(hn::LoadU(d, peak + n), hn::Abs(hn::LoadU(d, in + n + kInterpolatorTaps / 2 - 1)));
        auto first = hn::Zero(d);
        auto second = hn::Zero(d);
        auto third = hn::Zero(d);
        for (std::size_t t = 0; t < kInterpolatorTaps; ++t) {
            const auto x = hn::LoadU(d, in + n + t);
            first = hn::MulAdd(x, hn::Set(d, kInterpolator[0][t]), first);
            second = hn::MulAdd(x, hn::Set(d, kInterpolator[1][t]), second);
            third = hn::MulAdd(x, hn::Set(d, kInterpolator[2][t]), third);
        }
        highest = hn::Max(hn::Max(highest, hn::Abs(first)), hn::Max(hn::Abs(second), hn::Abs(third)));
        hn::StoreU(highest, d, peak + n);
    });
}

void copy_with_bounds(const float* in, float* out, std::size_t count) {
    for_each_live_vector(count,
                         [=](auto d, std::size_t n) HWY_ATTR { hn::StoreU(load_bounded(d, in + n), d, out + n); });
}

template <class D>
HWY_INLINE hn::Vec<D> gain_over_knee(D d, hn::Vec<D> e, float knee, float width) {
    const auto one = hn::Set(d, 1.0F);
    const auto u = hn::Mul(hn::Sub(e, hn::Set(d, knee)), hn::Set(d, 1 / width));
    const auto bend = hn::Div(u, hn::Sqrt(hn::MulAdd(u, u, one)));
    const auto bent = hn::Div(hn::MulAdd(bend, hn::Set(d, width), hn::Set(d, knee)), e);
    return hn::IfThenElse(hn::Gt(e, hn::Set(d, knee)), bent, one);
}

template <class D>
HWY_INLINE hn::Vec<D> product_within(D d, const float* in, hn::Vec<D> gain, float bound) {
    const auto product = hn::Mul(load_bounded(d, in), gain);
    return hn::Max(hn::Min(product, hn::Set(d, bound)), hn::Set(d, -bound));
}

[[gnu::hot]] void limited_softly(const float* const* in, std::size_t channels, std::size_t first, const float* envelope,
                                 const SoftKnee& curve, float bound, float* const* out, std::size_t count) {
    const float knee = curve.knee;
    const float width = curve.ceiling - curve.knee;
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        const auto gain = gain_over_knee(d, hn::LoadU(d, envelope + n), knee, width);
        for (std::size_t c = 0; c < channels; ++c) {
            hn::StoreU(product_within(d, in[c] + first + n, gain, bound), d, out[c] + first + n);
        }
    });
}

void gains_to_ceiling(const float* peak, float ceiling, float* gain, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        const auto highest = hn::LoadU(d, peak + n);
        const auto limit = hn::Set(d, ceiling);
        hn::StoreU(hn::IfThenElse(hn::Gt(highest, limit), hn::Div(limit, highest), hn::Set(d, 1.0F)), d, gain + n);
    });
}

/// values[n] = combine(values[n], values[n + apart]).
template <class Combine>
HWY_INLINE void double_up(float* values, std::size_t apart, std::size_t count, Combine combine) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        hn::StoreU(combine(hn::LoadU(d, values + n), hn::LoadU(d, values + n + apart)), d, values + n);
    });
}

void slide_minimum(const float* in, std::size_t length, float* scratch, float* out, std::size_t count) {
    const std::size_t total = count + length - 1;
    std::copy_n(in, total, scratch);
    std::size_t covered = 1;
    for (; 2 * covered <= length; covered *= 2) {
        double_up(scratch, covered, total - 2 * covered + 1, [](auto a, auto b) HWY_ATTR { return hn::Min(a, b); });
    }
    const std::size_t rest = length - covered;
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        hn::StoreU(hn::Min(hn::LoadU(d, scratch + n), hn::LoadU(d, scratch + n + rest)), d, out + n);
    });
}

void slide_mean(const float* in, std::size_t length, float* scratch, float* out, std::size_t count) {
    const std::size_t total = count + length - 1;
    std::copy_n(in, total, scratch);
    std::fill_n(out, count, 0.0F);
    std::size_t from = 0;  // the sums of a power of two that make up `length`, side by side
    for (std::size_t covered = 1; covered <= length; covered *= 2) {
        if ((length & covered) != 0) {
            for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
                hn::StoreU(hn::Add(hn::LoadU(d, out + n), hn::LoadU(d, scratch + n + from)), d, out + n);
            });
            from += covered;
        }
        if (2 * covered > length) break;
        double_up(scratch, covered, total - 2 * covered + 1, [](auto a, auto b) HWY_ATTR { return hn::Add(a, b); });
    }
    const auto divisor = static_cast<float>(length);
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        hn::StoreU(hn::Div(hn::LoadU(d, out + n), hn::Set(d, divisor)), d, out + n);
    });
}

void multiply_within(const float* in, const float* gain, float bound, float* out, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        hn::StoreU(product_within(d, in + n, hn::LoadU(d, gain + n), bound), d, out + n);
    });
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(followed_peaks);
HWY_EXPORT(raise_true_peaks);
HWY_EXPORT(copy_with_bounds);
HWY_EXPORT(limited_softly);
HWY_EXPORT(gains_to_ceiling);
HWY_EXPORT(slide_minimum);
HWY_EXPORT(slide_mean);
HWY_EXPORT(multiply_within);

[[gnu::hot]] float follow_peaks(const float* const* in, std::size_t channels, std::size_t first, float decay,
                                float before, float* envelope, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(followed_peaks)(in, channels, first, decay, before, envelope, count);
}

void raise_to_true_peaks(const float* in, float* peak, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(raise_true_peaks)(in, peak, count);
}

void copy_bounded(const float* in, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(copy_with_bounds)(in, out, count);
}

[[gnu::hot]] void limit_softly(const float* const* in, std::size_t channels, std::size_t first, const float* envelope,
                               const SoftKnee& curve, float bound, float* const* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(limited_softly)(in, channels, first, envelope, curve, bound, out, count);
}

void needed_gains(const float* peak, float ceiling, float* gain, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(gains_to_ceiling)(peak, ceiling, gain, count);
}

void sliding_minimum(const float* in, std::size_t length, float* scratch, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(slide_minimum)(in, length, scratch, out, count);
}

void sliding_mean(const float* in, std::size_t length, float* scratch, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(slide_mean)(in, length, scratch, out, count);
}

void multiply_and_bound(const float* in, const float* gain, float bound, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_within)(in, gain, bound, out, count);
}

}  // namespace sidetone::dsp
#endif
