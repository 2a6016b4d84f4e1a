// SPDX-License-Identifier: Apache-2.0
#include "nn/native/peak_arithmetic.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "dsp/vector_target.hpp"
#include "rt/clock.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/peak_arithmetic.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#ifndef SIDETONE_NN_NATIVE_PEAK_ONCE
#define SIDETONE_NN_NATIVE_PEAK_ONCE
namespace sidetone::nn::native {
inline constexpr std::size_t kPeakRounds = 4000;  // some 10 us
inline constexpr std::size_t kMostLanes = 64;
}  // namespace sidetone::nn::native
#endif

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Ten sums that do not wait for one another: two units of four cycles each want eight. Returns the multiply-adds done.
std::size_t multiply_add_burst(float factor, float* out) {
    const hn::CappedTag<float, kMostLanes> d;
    const auto x = hn::Set(d, factor);
    auto s0 = hn::Iota(d, 0.0F);
    auto s1 = hn::Add(s0, x), s2 = hn::Add(s1, x), s3 = hn::Add(s2, x), s4 = hn::Add(s3, x);
    auto s5 = hn::Add(s4, x), s6 = hn::Add(s5, x), s7 = hn::Add(s6, x), s8 = hn::Add(s7, x), s9 = hn::Add(s8, x);
    for (std::size_t round = 0; round < kPeakRounds; ++round) {
        s0 = hn::MulAdd(s0, x, x);
        s1 = hn::MulAdd(s1, x, x);
        s2 = hn::MulAdd(s2, x, x);
        s3 = hn::MulAdd(s3, x, x);
        s4 = hn::MulAdd(s4, x, x);
        s5 = hn::MulAdd(s5, x, x);
        s6 = hn::MulAdd(s6, x, x);
        s7 = hn::MulAdd(s7, x, x);
        s8 = hn::MulAdd(s8, x, x);
        s9 = hn::MulAdd(s9, x, x);
    }
    const auto low = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), s4);
    const auto high = hn::Add(hn::Add(hn::Add(s5, s6), hn::Add(s7, s8)), s9);
    hn::StoreU(hn::Add(low, high), d, out);
    return 10 * kPeakRounds * hn::Lanes(d);
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(multiply_add_burst);

double measure_peak_multiply_adds_per_second() {
    constexpr int kBursts = 200;
    std::array<float, kMostLanes> out{};
    volatile float factor = 0.5F;  // so that nothing can be worked out before
    double best = 0;
    for (int burst = 0; burst < kBursts; ++burst) {
        const auto start = rt::now_ns();
        const auto done = HWY_DYNAMIC_DISPATCH(multiply_add_burst)(factor, out.data());
        const auto took_ns = std::max<std::int64_t>(rt::now_ns() - start, 1);
        best = std::max(best, 1e9 * static_cast<double>(done) / static_cast<double>(took_ns));
    }
    return best;
}

}  // namespace sidetone::nn::native
#endif
