// SPDX-License-Identifier: Apache-2.0
#include "nn/native/normalization_kernels.hpp"

#include <cmath>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/normalization_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Σ (x[i] − about)^kPower. Four sums are under way, since an addition takes four cycles.
template <int kPower>
HWY_INLINE double sum_of(const float* x, std::size_t count, double about) {
    const hn::CappedTag<double, kMaxLanes / 2> d;
    const hn::Rebind<float, decltype(d)> d32;
    constexpr std::size_t kSums = 4;
    const auto lanes = hn::Lanes(d);
    const auto origin = hn::Set(d, about);
    hn::Vec<decltype(d)> sums[kSums];
    for (auto& sum : sums) sum = hn::Zero(d);
    std::size_t i = 0;
    for (; i + kSums * lanes <= count; i += kSums * lanes) {
        for (std::size_t s = 0; s < kSums; ++s) {
            const auto away = hn::Sub(hn::PromoteTo(d, hn::LoadU(d32, x + i + s * lanes)), origin);
            sums[s] = kPower == 1 ? hn::Add(sums[s], away) : hn::MulAdd(away, away, sums[s]);
        }
    }
    double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
    for (; i < count; ++i) {
        const double away = static_cast<double>(x[i]) - about;
        sum += kPower == 1 ? away : away * away;
    }
    return sum;
}

RowStatistics statistics(const float* x, std::size_t count, float epsilon) {
    const auto n = static_cast<double>(count);
    const double mean = sum_of<1>(x, count, 0.0) / n;
    const double variance = sum_of<2>(x, count, mean) / n;
    return {static_cast<float>(mean), static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(epsilon)))};
}

void normalise(RowStatistics row, const float* factors, const float* shifts, const float* x, float* y,
               std::size_t count) {
    const Tag d;
    const auto lanes = hn::Lanes(d);
    const auto scale = hn::Set(d, row.inverse_deviation);
    const auto shift = hn::Set(d, -row.mean * row.inverse_deviation);
    const auto of = [&](auto v, auto factor) HWY_ATTR { return hn::Mul(hn::MulAdd(v, scale, shift), factor); };
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const auto v = of(hn::LoadU(d, x + i), hn::LoadU(d, factors + i));
        hn::StoreU(shifts == nullptr ? v : hn::Add(v, hn::LoadU(d, shifts + i)), d, y + i);
    }
    if (i == count) return;
    const auto v = of(load_part(d, x + i, count - i), load_part(d, factors + i, count - i));
    store_part(shifts == nullptr ? v : hn::Add(v, load_part(d, shifts + i, count - i)), d, y + i, count - i);
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(statistics);
HWY_EXPORT(normalise);

RowStatistics row_statistics(const float* x, std::size_t count, float epsilon) noexcept {
    return HWY_DYNAMIC_DISPATCH(statistics)(x, count, epsilon);
}

void normalise_row(RowStatistics row, const float* factors, const float* shifts, const float* x, float* y,
                   std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(normalise)(row, factors, shifts, x, y, count);
}

}  // namespace sidetone::nn::native
#endif
