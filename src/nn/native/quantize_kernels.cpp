// SPDX-License-Identifier: Apache-2.0
#include "nn/native/quantize_kernels.hpp"

#include <algorithm>
#include <limits>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/quantize_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

Quantization byte_range(const float* x, std::size_t count) {
    const Tag d;
    const auto lanes = hn::Lanes(d);
    auto low = hn::Zero(d);
    auto high = hn::Zero(d);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const auto v = hn::LoadU(d, x + i);
        low = hn::Min(low, v);
        high = hn::Max(high, v);
    }
    if (i < count) {
        const auto v = load_part(d, x + i, count - i);
        low = hn::Min(low, v);
        high = hn::Max(high, v);
    }
    low = hn::MinOfLanes(d, low);
    const auto range = hn::Sub(hn::MaxOfLanes(d, high), low);
    // Of nothing but zeros the scale is 1. Without a branch: a run takes the same time whatever the sound.
    const auto steps = hn::Set(d, 255.0F);
    const auto scale = hn::IfThenElse(hn::Eq(range, hn::Zero(d)), hn::Set(d, 1.0F), hn::Div(range, steps));
    const auto zero = hn::Min(hn::Max(hn::Div(hn::Neg(low), scale), hn::Zero(d)), steps);
    return {hn::GetLane(scale), hn::GetLane(hn::NearestInt(zero))};
}

template <class T>
HWY_INLINE void to_bytes(const float* x, std::size_t count, Quantization q, T* out) {
    const Tag d;
    const hn::RebindToSigned<Tag> d32;
    const hn::Rebind<T, Tag> d8;
    const auto lanes = hn::Lanes(d);
    const auto scale = hn::Set(d, q.scale);
    const auto zero = hn::Set(d32, q.zero_point);
    const auto least = hn::Set(d, static_cast<float>(std::numeric_limits<T>::min() - q.zero_point));
    const auto most = hn::Set(d, static_cast<float>(std::numeric_limits<T>::max() - q.zero_point));
    const auto convert = [&](auto v) HWY_ATTR {
        const auto bounded = hn::Min(hn::Max(hn::Div(v, scale), least), most);
        return hn::DemoteTo(d8, hn::Add(hn::NearestInt(bounded), zero));
    };
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) hn::StoreU(convert(hn::LoadU(d, x + i)), d8, out + i);
    if (i == count) return;
    HWY_ALIGN T rest[kMaxLanes];
    hn::StoreU(convert(load_part(d, x + i, count - i)), d8, rest);
    std::copy_n(rest, count - i, out + i);
}

template <class T>
HWY_INLINE void to_floats(const T* x, std::size_t count, Quantization q, float* out) {
    const Tag d;
    const hn::RebindToSigned<Tag> d32;
    const hn::Rebind<T, Tag> d_in;
    const auto lanes = hn::Lanes(d);
    const auto scale = hn::Set(d, q.scale);
    const auto zero = hn::Set(d32, q.zero_point);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const auto v = hn::LoadU(d_in, x + i);
        if constexpr (sizeof(T) == sizeof(float)) {
            hn::StoreU(hn::Mul(hn::ConvertTo(d, hn::Sub(v, zero)), scale), d, out + i);
        } else {
            hn::StoreU(hn::Mul(hn::ConvertTo(d, hn::Sub(hn::PromoteTo(d32, v), zero)), scale), d, out + i);
        }
    }
    for (; i < count; ++i) {
        const auto above = static_cast<std::uint32_t>(x[i]) - static_cast<std::uint32_t>(q.zero_point);
        out[i] = static_cast<float>(static_cast<std::int32_t>(above)) * q.scale;
    }
}

void quantize_unsigned(const float* x, std::size_t count, Quantization q, std::uint8_t* out) {
    to_bytes(x, count, q, out);
}
void quantize_signed(const float* x, std::size_t count, Quantization q, std::int8_t* out) {
    to_bytes(x, count, q, out);
}
void dequantize_unsigned(const std::uint8_t* x, std::size_t count, Quantization q, float* out) {
    to_floats(x, count, q, out);
}
void dequantize_signed(const std::int8_t* x, std::size_t count, Quantization q, float* out) {
    to_floats(x, count, q, out);
}
void dequantize_wide(const std::int32_t* x, std::size_t count, Quantization q, float* out) {
    to_floats(x, count, q, out);
}

void scaled(const std::int32_t* sums, std::size_t count, const float* scales, float factor, const float* shifts,
            float lower_bound, float* out) {
    const Tag d;
    const hn::RebindToSigned<Tag> d32;
    const auto lanes = hn::Lanes(d);
    const auto by = hn::Set(d, factor);
    const auto floor = hn::Set(d, lower_bound);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const auto scale = hn::Mul(hn::LoadU(d, scales + i), by);
        const auto sum = hn::ConvertTo(d, hn::LoadU(d32, sums + i));
        // In this order what is no number stays none.
        hn::StoreU(hn::Max(floor, hn::MulAdd(sum, scale, hn::LoadU(d, shifts + i))), d, out + i);
    }
    for (; i < count; ++i) {
        out[i] = std::max(static_cast<float>(sums[i]) * (scales[i] * factor) + shifts[i], lower_bound);
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(byte_range);
HWY_EXPORT(quantize_unsigned);
HWY_EXPORT(quantize_signed);
HWY_EXPORT(dequantize_unsigned);
HWY_EXPORT(dequantize_signed);
HWY_EXPORT(dequantize_wide);
HWY_EXPORT(scaled);

Quantization quantization_of(const float* x, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(byte_range)(x, count);
}

void quantize(const float* x, std::size_t count, Quantization q, std::uint8_t* out) noexcept {
    HWY_DYNAMIC_DISPATCH(quantize_unsigned)(x, count, q, out);
}

void quantize(const float* x, std::size_t count, Quantization q, std::int8_t* out) noexcept {
    HWY_DYNAMIC_DISPATCH(quantize_signed)(x, count, q, out);
}

void dequantize(const std::uint8_t* x, std::size_t count, Quantization q, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(dequantize_unsigned)(x, count, q, out);
}

void dequantize(const std::int8_t* x, std::size_t count, Quantization q, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(dequantize_signed)(x, count, q, out);
}

void dequantize(const std::int32_t* x, std::size_t count, Quantization q, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(dequantize_wide)(x, count, q, out);
}

void scale_sums(const std::int32_t* sums, std::size_t count, const float* scales, float factor, const float* shifts,
                float lower_bound, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(scaled)(sums, count, scales, factor, shifts, lower_bound, out);
}

}  // namespace sidetone::nn::native
#endif
