// SPDX-License-Identifier: Apache-2.0
#include "dsp/decibels.hpp"

#include <cstdint>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/decibels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "dsp/vector_loop-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr float kDecibelsPerOctaveOfPower = 3.01029995664F;
constexpr float kOctavesPerDecibel = 0.166096404744F;  // of gain: lb(10) / 20

/// NaN becomes `low`, whatever the processor's minimum and maximum make of it.
template <class D, class V>
HWY_INLINE V clamped(D d, V x, float low, float high) {
    x = hn::IfThenElse(hn::Gt(x, hn::Set(d, low)), x, hn::Set(d, low));
    return hn::IfThenElse(hn::Lt(x, hn::Set(d, high)), x, hn::Set(d, high));
}

/// lb(x) for positive normal x: x = 2^e (1 + t), sqrt(1/2) <= 1 + t < sqrt(2), and lb(1 + t) = t p(t) with p through
/// the Chebyshev nodes of that range; 4.2e-6 is the most it is off.
template <class D, class V>
HWY_INLINE V binary_logarithm(D d, V x) {
    const hn::RebindToSigned<D> di;
    constexpr std::int32_t kRootOfHalf = 0x3F3504F3;
    const auto bits = hn::BitCast(di, x);
    const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, kRootOfHalf)));
    const auto mantissa = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
    const auto t = hn::Sub(mantissa, hn::Set(d, 1.0F));
    auto p = hn::Set(d, -0.2022892637F);
    p = hn::MulAdd(p, t, hn::Set(d, 0.3168981872F));
    p = hn::MulAdd(p, t, hn::Set(d, -0.3669257710F));
    p = hn::MulAdd(p, t, hn::Set(d, 0.4799255735F));
    p = hn::MulAdd(p, t, hn::Set(d, -0.7211957524F));
    p = hn::MulAdd(p, t, hn::Set(d, 1.4427004400F));
    return hn::MulAdd(p, t, hn::ConvertTo(d, exponent));
}

/// 2^x for |x| <= 126: x = i + f, |f| <= 1/2, and 2^f by a polynomial through its Chebyshev nodes, within 1.1e-7 of it.
template <class D, class V>
HWY_INLINE V power_of_two(D d, V x) {
    const hn::RebindToSigned<D> di;
    const auto whole = hn::Round(x);
    const auto f = hn::Sub(x, whole);
    auto p = hn::Set(d, 0.00133908634F);
    p = hn::MulAdd(p, f, hn::Set(d, 0.00967603192F));
    p = hn::MulAdd(p, f, hn::Set(d, 0.0555035711F));
    p = hn::MulAdd(p, f, hn::Set(d, 0.240221075F));
    p = hn::MulAdd(p, f, hn::Set(d, 0.693147188F));
    p = hn::MulAdd(p, f, hn::Set(d, 1.0000000755F));
    const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, whole), hn::Set(di, 127)));
    return hn::Mul(p, hn::BitCast(d, exponent));
}

[[gnu::hot]] void decibels_of_powers(const float* power, float* out, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        const auto x = clamped(d, hn::LoadU(d, power + n), 1e-30F, 1e30F);
        hn::StoreU(hn::Mul(binary_logarithm(d, x), hn::Set(d, kDecibelsPerOctaveOfPower)), d, out + n);
    });
}

[[gnu::hot]] void gains_of_decibels(const float* decibels, float* out, std::size_t count) {
    for_each_live_vector(count, [=](auto d, std::size_t n) HWY_ATTR {
        const auto x = clamped(d, hn::LoadU(d, decibels + n), -700.0F, 700.0F);
        hn::StoreU(power_of_two(d, hn::Mul(x, hn::Set(d, kOctavesPerDecibel))), d, out + n);
    });
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(decibels_of_powers);
HWY_EXPORT(gains_of_decibels);

[[gnu::hot]] void power_to_decibels(const float* power, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(decibels_of_powers)(power, out, count);
}

[[gnu::hot]] void decibels_to_gains(const float* decibels, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(gains_of_decibels)(decibels, out, count);
}

}  // namespace sidetone::dsp
#endif
