// SPDX-License-Identifier: Apache-2.0
#include "dsp/mel_kernels.hpp"

#include <algorithm>

#include "dsp/mel_bank.hpp"
#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/mel_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include "dsp/vector_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE float mean_of(const float* x, std::size_t count) {
    const hn::CappedTag<float, MelBank::kGroup> d;
    const std::size_t lanes = hn::Lanes(d);
    auto a = hn::Zero(d);
    auto b = hn::Zero(d);
    std::size_t n = 0;
    for (; n + 2 * lanes <= count; n += 2 * lanes) {
        a = hn::Add(a, hn::LoadU(d, x + n));
        b = hn::Add(b, hn::LoadU(d, x + n + lanes));
    }
    float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)));
    for (; n < count; ++n) sum += x[n];
    return sum / static_cast<float>(count);
}

void weigh(const FrameWeights& weights, const float* x, float* out) {
    const float* window = weights.window.data();
    const std::size_t count = weights.window.size();
    const float factor = weights.pre_emphasis;
    const float mean = weights.without_mean ? mean_of(x, count) : 0.0F;
    const float emphasised_mean = (1 - factor) * mean;
    out[0] = window[0] * ((1 - factor) * x[0] - emphasised_mean);
    // Neighbours are taken from each other first, while both are exact: what is rounded then is as small as the result.
    for_each_vector(count - 1, [=](auto d, std::size_t before) HWY_ATTR {
        const auto n = before + 1;
        const auto emphasised = hn::NegMulAdd(hn::Set(d, factor), hn::LoadU(d, x + before), hn::LoadU(d, x + n));
        const auto centred = hn::Sub(emphasised, hn::Set(d, emphasised_mean));
        hn::StoreU(hn::Mul(hn::LoadU(d, window + n), centred), d, out + n);
    });
}

/// ln max(floor, x); NaN is the floor. Past the largest finite number the series has no end to give.
template <class D, class V>
HWY_INLINE V floored_logarithm(D d, V x, float floor) {
    constexpr float kMost = 3.4e38F;
    x = hn::IfThenElse(hn::Gt(x, hn::Set(d, floor)), x, hn::Set(d, floor));
    return hn::Log(d, hn::Min(x, hn::Set(d, kMost)));
}

HWY_INLINE void log_energies_of_group(const float* weights, const std::int32_t* starts, std::size_t length,
                                      const float* power, float floor, float* out) {
    const hn::CappedTag<float, MelBank::kGroup> d;
    const hn::RebindToSigned<decltype(d)> di;
    for (std::size_t lane = 0; lane < MelBank::kGroup; lane += hn::Lanes(d)) {
        const auto start = hn::LoadU(di, starts + lane);
        auto sum = hn::Zero(d);
        for (std::size_t n = 0; n < length; ++n) {
            const auto values = hn::GatherIndex(d, power + n, start);
            sum = hn::MulAdd(hn::LoadU(d, weights + n * MelBank::kGroup + lane), values, sum);
        }
        hn::StoreU(floored_logarithm(d, sum, floor), d, out + lane);
    }
}

void log_energies_of_groups(const MelFilters& filters, const float* power, float floor, float* out) {
    const float* weights = filters.weights;
    const std::size_t* length = filters.lengths;
    for (std::size_t band = 0; band < filters.bands; band += MelBank::kGroup, ++length) {
        const std::int32_t* starts = filters.starts + band;
        const std::size_t left = filters.bands - band;
        if (left >= MelBank::kGroup) {
            log_energies_of_group(weights, starts, *length, power, floor, out + band);
        } else {
            float last[MelBank::kGroup];
            log_energies_of_group(weights, starts, *length, power, floor, last);
            std::copy_n(last, left, out + band);
        }
        weights += *length * MelBank::kGroup;
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(weigh);
HWY_EXPORT(log_energies_of_groups);

void weigh_frame(const FrameWeights& weights, const float* x, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(weigh)(weights, x, out);
}

void mel_log_energies(const MelFilters& filters, const float* power, float floor, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(log_energies_of_groups)(filters, power, floor, out);
}

}  // namespace sidetone::dsp
#endif
