// SPDX-License-Identifier: Apache-2.0
#include "dsp/minimum_phase_filter.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/minimum_phase_filter.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

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
    const hn::ScalableTag<float> whole;
    const hn::CappedTag<float, 1> single;
    std::size_t n = 0;
    const auto share = [&] { return first_share + share_step * static_cast<float>(n); };
    for (; n + hn::Lanes(whole) <= count; n += hn::Lanes(whole))
        filter_vector(whole, in + n, now, before, taps, share(), share_step, out + n);
    for (; n < count; ++n) filter_vector(single, in + n, now, before, taps, share(), share_step, out + n);
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>
#include <numbers>

#include "dsp/decibels.hpp"
#include "dsp/products.hpp"

namespace sidetone::dsp {

HWY_EXPORT(filter_faded);

namespace {

constexpr float kLowestDecibels = -80;
constexpr float kNepersPerDecibel = 0.11512925F;  // ln(10) / 20

// The filter is a quarter of what the analysis resolves, so that it is short and its design cheap, where there is such
// a transform.
std::size_t stride_for(std::size_t transform) {
    for (const std::size_t stride : {4U, 2U}) {
        if (transform % stride == 0 && RealFft::supports(transform / stride)) return stride;
    }
    return 1;
}

}  // namespace

MinimumPhaseFilter::MinimumPhaseFilter(std::size_t transform, std::size_t fade)
    : fade_(fade),
      stride_(stride_for(transform)),
      fft_(transform / stride_),
      now_(fft_.size() / 2),
      before_(now_.size()),
      tail_(now_.size(), 1.0F),
      samples_(now_.size() - 1 + fade),
      decibels_(fft_.bins()),
      wide_(transform / 2 + 1),
      cepstrum_(fft_.size()),
      spectrum_(fft_.bins()) {
    now_[0] = before_[0] = 1;
    const auto fall = tail_.size() / 4;
    for (std::size_t n = 0; n < fall; ++n) {
        const double turn = std::numbers::pi * (static_cast<double>(n) + 0.5) / static_cast<double>(fall);
        tail_[tail_.size() - fall + n] = static_cast<float>(0.5 + 0.5 * std::cos(turn));
    }
}

void MinimumPhaseFilter::set_gains(const float* gains) noexcept {
    multiply(gains, gains, wide_.data(), wide_.size());
    power_to_decibels(wide_.data(), wide_.data(), wide_.size());
    for (auto& decibels : wide_) decibels = std::max(decibels, kLowestDecibels);
    // Mean of the neighbours, which lie symmetrically around 0 and around half the rate.
    const auto reach = stride_ / 2;
    for (std::size_t k = 0; k < decibels_.size(); ++k) {
        const auto first = std::max(k * stride_, reach) - reach, last = std::min(k * stride_ + reach, wide_.size() - 1);
        float sum = 0;
        for (auto j = first; j <= last; ++j) sum += wide_[j];
        decibels_[k] = sum / static_cast<float>(last - first + 1);
    }
    for (std::size_t k = 0; k < spectrum_.size(); ++k) spectrum_[k] = kNepersPerDecibel * decibels_[k];
    fft_.inverse(spectrum_.data(), cepstrum_.data());
    // Folding the cepstrum onto positive times turns a real logarithm into that of the causal, least-phase response.
    const auto half = cepstrum_.size() / 2;
    for (std::size_t n = 1; n < half; ++n) cepstrum_[n] *= 2;
    std::fill(cepstrum_.begin() + static_cast<std::ptrdiff_t>(half) + 1, cepstrum_.end(), 0.0F);
    fft_.forward(cepstrum_.data(), spectrum_.data());
    decibels_to_gains(decibels_.data(), decibels_.data(), decibels_.size());
    for (std::size_t k = 0; k < spectrum_.size(); ++k) {
        const float phase = spectrum_[k].imag();
        spectrum_[k] = {decibels_[k] * std::cos(phase), decibels_[k] * std::sin(phase)};
    }
    fft_.inverse(spectrum_.data(), cepstrum_.data());

    before_.swap(now_);
    multiply(cepstrum_.data(), tail_.data(), now_.data(), now_.size());
    std::copy_n(samples_.data() + filled_, taps() - 1, samples_.data());
    filled_ = 0;
}

void MinimumPhaseFilter::process(const float* in, float* out, std::size_t count) noexcept {
    float* newest = samples_.data() + taps() - 1 + filled_;
    std::copy_n(in, count, newest);
    const float step = 1.0F / static_cast<float>(fade_);
    HWY_DYNAMIC_DISPATCH(filter_faded)
    (newest, now_.data(), before_.data(), taps(), step * static_cast<float>(filled_ + 1), step, out, count);
    filled_ += count;
}

}  // namespace sidetone::dsp
#endif
