// SPDX-License-Identifier: Apache-2.0
#include "dsp/sample_conversion_kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/sample_conversion_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// No wider, though some processors have 16: see the resampler's kernels.
using Floats = hn::CappedTag<float, 8>;
using Vector = hn::Vec<Floats>;
using Int32s = hn::Rebind<std::int32_t, Floats>;
using Uint32s = hn::Rebind<std::uint32_t, Floats>;
using Integers = hn::Vec<Int32s>;

constexpr float kFullScale32 = 2147483648.0F;

/// Integers whose most significant bit is bit 31, to ±1. Exact up to 24 significant bits.
template <class D, class V>
HWY_INLINE auto from_full_scale(D d, V integers) {
    return hn::Mul(hn::ConvertTo(d, integers), hn::Set(d, 1 / kFullScale32));
}

/// Replaces what is not finite by 0, and counts it.
template <class D, class V>
HWY_INLINE V finite(D d, V samples, ConversionReport& report) {
    const auto good = hn::IsFinite(samples);
    report.not_finite += static_cast<std::uint32_t>(hn::Lanes(d) - hn::CountTrue(d, good));
    return hn::IfThenElseZero(good, samples);
}

template <class D, class V>
HWY_INLINE float largest(D d, V magnitudes) {
    return hn::GetLane(hn::MaxOfLanes(d, magnitudes));
}

/// Finite samples to integers of `bits` bits: scaled, clamped, rounded to nearest even.
template <int bits, class D, class V>
HWY_INLINE auto to_integers(D d, V samples, ConversionReport& report) {
    constexpr auto kScale = static_cast<float>(1LL << (bits - 1));
    // Of 32 bits, the largest integer is no float; the next lower float is.
    constexpr float kLargest = bits == 32 ? 2147483520.0F : kScale - 1;
    report.clipped += static_cast<std::uint32_t>(hn::CountTrue(d, hn::Gt(hn::Abs(samples), hn::Set(d, 1.0F))));
    const auto scaled = hn::Mul(samples, hn::Set(d, kScale));
    const auto rounded = hn::NearestInt(hn::Clamp(scaled, hn::Set(d, -kScale), hn::Set(d, kLargest)));
    if constexpr (bits < 32) {
        return rounded;
    } else {
        const hn::RebindToSigned<D> di;
        const auto full = hn::RebindMask(di, hn::Ge(scaled, hn::Set(d, kScale)));
        return hn::IfThenElse(full, hn::Set(di, std::numeric_limits<std::int32_t>::max()), rounded);
    }
}

// A packed format loads and stores one vector. kMargin: samples beyond the vector that are touched as well.

struct S16 {
    using D = Floats;
    static constexpr std::size_t kBytes = 2, kMargin = 0;
    static HWY_INLINE Vector load(const std::byte* in, ConversionReport&) {
        const auto integers = hn::LoadU(hn::Rebind<std::int16_t, D>(), reinterpret_cast<const std::int16_t*>(in));
        return hn::Mul(hn::ConvertTo(D(), hn::PromoteTo(Int32s(), integers)), hn::Set(D(), 1 / 32768.0F));
    }
    static HWY_INLINE void store(Vector samples, std::byte* out, ConversionReport& report) {
        const hn::Rebind<std::int16_t, D> d16;
        hn::StoreU(hn::DemoteTo(d16, to_integers<16>(D(), samples, report)), d16, reinterpret_cast<std::int16_t*>(out));
    }
};

struct S24 {
    using D = hn::CappedTag<float, 4>;
    static constexpr std::size_t kBytes = 3, kMargin = 2;
#if HWY_TARGET == HWY_SCALAR
    static HWY_INLINE hn::Vec<D> load(const std::byte* in, ConversionReport&) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, in, 3);
        return from_full_scale(D(), hn::Set(hn::RebindToSigned<D>(), static_cast<std::int32_t>(bits << 8)));
    }
    static HWY_INLINE void store(hn::Vec<D> samples, std::byte* out, ConversionReport& report) {
        const auto integer = hn::GetLane(to_integers<24>(D(), samples, report));
        std::memcpy(out, &integer, 3);
    }
#else
    using Bytes = hn::Repartition<std::uint8_t, D>;
    /// Each sample's bytes move to the upper three of a lane; index 128 gives a zero byte.
    static HWY_INLINE hn::Vec<D> load(const std::byte* in, ConversionReport&) {
        HWY_ALIGN static constexpr std::uint8_t kSpread[16] = {128, 0, 1, 2, 128, 3, 4,  5,
                                                               128, 6, 7, 8, 128, 9, 10, 11};
        const auto packed = hn::LoadU(Bytes(), reinterpret_cast<const std::uint8_t*>(in));
        const auto lanes = hn::TableLookupBytesOr0(packed, hn::Load(Bytes(), kSpread));
        return from_full_scale(D(), hn::BitCast(hn::RebindToSigned<D>(), lanes));
    }
    /// The four bytes after the samples become zero; the next vector overwrites them.
    static HWY_INLINE void store(hn::Vec<D> samples, std::byte* out, ConversionReport& report) {
        HWY_ALIGN static constexpr std::uint8_t kPack[16] = {0,  1,  2,  4,  5,   6,   8,   9,
                                                             10, 12, 13, 14, 128, 128, 128, 128};
        const auto lanes = hn::BitCast(Bytes(), to_integers<24>(D(), samples, report));
        hn::StoreU(hn::TableLookupBytesOr0(lanes, hn::Load(Bytes(), kPack)), Bytes(),
                   reinterpret_cast<std::uint8_t*>(out));
    }
#endif
};

HWY_INLINE Integers load_int32(const std::byte* in) {
    return hn::LoadU(Int32s(), reinterpret_cast<const std::int32_t*>(in));
}

HWY_INLINE void store_int32(Integers integers, std::byte* out) {
    hn::StoreU(integers, Int32s(), reinterpret_cast<std::int32_t*>(out));
}

/// The three formats of four bytes: between their bits and samples.
struct S24In32 {
    using D = Floats;
    static constexpr std::size_t kBytes = 4, kMargin = 0;
    static HWY_INLINE Vector decode(Integers bits, ConversionReport&) {
        return from_full_scale(D(), hn::ShiftLeft<8>(bits));
    }
    static HWY_INLINE Integers encode(Vector samples, ConversionReport& report) {
        return to_integers<24>(D(), samples, report);
    }
    static HWY_INLINE Vector load(const std::byte* in, ConversionReport& report) {
        return decode(load_int32(in), report);
    }
    static HWY_INLINE void store(Vector samples, std::byte* out, ConversionReport& report) {
        store_int32(encode(samples, report), out);
    }
};

struct S32 {
    using D = Floats;
    static constexpr std::size_t kBytes = 4, kMargin = 0;
    static HWY_INLINE Vector decode(Integers bits, ConversionReport&) { return from_full_scale(D(), bits); }
    static HWY_INLINE Integers encode(Vector samples, ConversionReport& report) {
        return to_integers<32>(D(), samples, report);
    }
    static HWY_INLINE Vector load(const std::byte* in, ConversionReport& report) {
        return decode(load_int32(in), report);
    }
    static HWY_INLINE void store(Vector samples, std::byte* out, ConversionReport& report) {
        store_int32(encode(samples, report), out);
    }
};

struct F32 {
    using D = Floats;
    static constexpr std::size_t kBytes = 4, kMargin = 0;
    static HWY_INLINE Vector decode(Integers bits, ConversionReport& report) {
        return finite(D(), hn::BitCast(D(), bits), report);
    }
    static HWY_INLINE Integers encode(Vector samples, ConversionReport&) { return hn::BitCast(Int32s(), samples); }
    static HWY_INLINE Vector load(const std::byte* in, ConversionReport& report) {
        return decode(load_int32(in), report);
    }
    static HWY_INLINE void store(Vector samples, std::byte* out, ConversionReport& report) {
        store_int32(encode(samples, report), out);
    }
};

/// Whole vectors in place; what is left over, in a buffer long enough for whole vectors.
template <class Format>
HWY_INLINE ConversionReport packed_to(const std::byte* in, std::size_t count, float* out) {
    const typename Format::D d;
    const std::size_t lanes = hn::Lanes(d);
    constexpr std::size_t kTail = 16 + 2 * Format::kMargin;
    ConversionReport report;
    auto peak = hn::Zero(d);
    std::size_t n = 0;
    for (; n + lanes + Format::kMargin <= count; n += lanes) {
        const auto loaded = Format::load(in + n * Format::kBytes, report);
        peak = hn::Max(peak, hn::Abs(loaded));
        hn::StoreU(loaded, d, out + n);
    }
    report.peak = largest(d, peak);
    if (n == count) return report;
    std::byte bytes[kTail * 4] = {};
    float samples[kTail] = {};
    std::memcpy(bytes, in + n * Format::kBytes, (count - n) * Format::kBytes);
    for (std::size_t k = 0; n + k < count; k += lanes) {
        hn::StoreU(Format::load(bytes + k * Format::kBytes, report), d, samples + k);
    }
    for (std::size_t k = 0; n + k < count; ++k) report.peak = std::max(report.peak, std::abs(samples[k]));
    std::copy_n(samples, count - n, out + n);
    return report;
}

template <class Format>
HWY_INLINE ConversionReport packed_from(const float* in, std::size_t count, std::byte* out) {
    const typename Format::D d;
    const std::size_t lanes = hn::Lanes(d);
    constexpr std::size_t kTail = 16 + 2 * Format::kMargin;
    ConversionReport report;
    auto peak = hn::Zero(d);
    std::size_t n = 0;
    for (; n + lanes + Format::kMargin <= count; n += lanes) {
        const auto loaded = finite(d, hn::LoadU(d, in + n), report);
        peak = hn::Max(peak, hn::Abs(loaded));
        Format::store(loaded, out + n * Format::kBytes, report);
    }
    if (n == count) {
        report.peak = largest(d, peak);
        return report;
    }
    std::byte bytes[kTail * 4] = {};
    float samples[kTail] = {};
    std::copy_n(in + n, count - n, samples);
    for (std::size_t k = 0; n + k < count; k += lanes) {
        const auto loaded = finite(d, hn::LoadU(d, samples + k), report);
        peak = hn::Max(peak, hn::Abs(loaded));
        Format::store(loaded, bytes + k * Format::kBytes, report);
    }
    report.peak = largest(d, peak);
    std::memcpy(out + n * Format::kBytes, bytes, (count - n) * Format::kBytes);
    return report;
}

// A stereo frame of 16 bits per channel is one lane of 32 bits, the first channel in its lower half.

HWY_INLINE PartialConversion stereo16_to(const std::byte* frames, std::uint32_t channel, std::size_t count,
                                         float* out) {
    PartialConversion done;
    const auto upper = hn::Set(Int32s(), static_cast<std::int32_t>(0xFFFF0000U));
    auto peak = hn::Zero(Floats());
    for (; done.frames + hn::Lanes(Floats()) <= count; done.frames += hn::Lanes(Floats())) {
        const auto both = load_int32(frames + 4 * done.frames);
        const auto one = channel == 0 ? hn::ShiftLeft<16>(both) : hn::And(both, upper);
        const auto loaded = from_full_scale(Floats(), one);
        peak = hn::Max(peak, hn::Abs(loaded));
        hn::StoreU(loaded, Floats(), out + done.frames);
    }
    done.report.peak = largest(Floats(), peak);
    return done;
}

HWY_INLINE PartialConversion stereo16_from(const float* in, std::uint32_t channel, std::size_t count,
                                           std::byte* frames) {
    PartialConversion done;
    const auto lower = hn::Set(Int32s(), 0x0000FFFF);
    auto peak = hn::Zero(Floats());
    for (; done.frames + hn::Lanes(Floats()) <= count; done.frames += hn::Lanes(Floats())) {
        const auto samples = finite(Floats(), hn::LoadU(Floats(), in + done.frames), done.report);
        peak = hn::Max(peak, hn::Abs(samples));
        const auto integers = to_integers<16>(Floats(), samples, done.report);
        const auto both = load_int32(frames + 4 * done.frames);
        const auto merged = channel == 0 ? hn::Or(hn::AndNot(lower, both), hn::And(integers, lower))
                                         : hn::Or(hn::And(both, lower), hn::ShiftLeft<16>(integers));
        store_int32(merged, frames + 4 * done.frames);
    }
    done.report.peak = largest(Floats(), peak);
    return done;
}

template <class Format>
HWY_INLINE PartialConversion stereo32_to(const std::byte* frames, std::uint32_t channel, std::size_t count,
                                         float* out) {
    PartialConversion done;
    auto peak = hn::Zero(Floats());
    for (; done.frames + hn::Lanes(Floats()) <= count; done.frames += hn::Lanes(Floats())) {
        Integers first;
        Integers second;
        hn::LoadInterleaved2(Int32s(), reinterpret_cast<const std::int32_t*>(frames + 8 * done.frames), first, second);
        const auto loaded = Format::decode(channel == 0 ? first : second, done.report);
        peak = hn::Max(peak, hn::Abs(loaded));
        hn::StoreU(loaded, Floats(), out + done.frames);
    }
    done.report.peak = largest(Floats(), peak);
    return done;
}

template <class Format>
HWY_INLINE PartialConversion stereo32_from(const float* in, std::uint32_t channel, std::size_t count,
                                           std::byte* frames) {
    PartialConversion done;
    auto peak = hn::Zero(Floats());
    for (; done.frames + hn::Lanes(Floats()) <= count; done.frames += hn::Lanes(Floats())) {
        const auto samples = finite(Floats(), hn::LoadU(Floats(), in + done.frames), done.report);
        peak = hn::Max(peak, hn::Abs(samples));
        auto* both = reinterpret_cast<std::int32_t*>(frames + 8 * done.frames);
        Integers first;
        Integers second;
        hn::LoadInterleaved2(Int32s(), both, first, second);
        (channel == 0 ? first : second) = Format::encode(samples, done.report);
        hn::StoreInterleaved2(first, second, Int32s(), both);
    }
    done.report.peak = largest(Floats(), peak);
    return done;
}

template <class Format>
[[gnu::hot]] ConversionReport packed_to_float(const std::byte* in, std::size_t count, float* out) {
    return packed_to<Format>(in, count, out);
}

template <class Format>
[[gnu::hot]] ConversionReport packed_from_float(const float* in, std::size_t count, std::byte* out) {
    return packed_from<Format>(in, count, out);
}

template <class Format>
constexpr PackedConversion packed_conversion() {
    return {.to_float = packed_to_float<Format>, .from_float = packed_from_float<Format>};
}

PackedConversions packed_conversions() {
    return std::array{packed_conversion<S16>(), packed_conversion<S24>(), packed_conversion<S24In32>(),
                      packed_conversion<S32>(), packed_conversion<F32>()};
}

[[gnu::hot]] PartialConversion stereo_to_any(SampleFormat format, const std::byte* frames, std::uint32_t channel,
                                             std::size_t count, float* out) {
    switch (format) {
        case SampleFormat::s16:
            return stereo16_to(frames, channel, count, out);
        case SampleFormat::s24in32:
            return stereo32_to<S24In32>(frames, channel, count, out);
        case SampleFormat::s32:
            return stereo32_to<S32>(frames, channel, count, out);
        case SampleFormat::f32:
            return stereo32_to<F32>(frames, channel, count, out);
        default:
            return {};
    }
}

[[gnu::hot]] PartialConversion stereo_from_any(SampleFormat format, const float* in, std::uint32_t channel,
                                               std::size_t count, std::byte* frames) {
    switch (format) {
        case SampleFormat::s16:
            return stereo16_from(in, channel, count, frames);
        case SampleFormat::s24in32:
            return stereo32_from<S24In32>(in, channel, count, frames);
        case SampleFormat::s32:
            return stereo32_from<S32>(in, channel, count, frames);
        case SampleFormat::f32:
            return stereo32_from<F32>(in, channel, count, frames);
        default:
            return {};
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(packed_conversions);
HWY_EXPORT(stereo_to_any);
HWY_EXPORT(stereo_from_any);

PackedConversions choose_packed_conversions() noexcept {
    return HWY_DYNAMIC_DISPATCH(packed_conversions)();
}

const PackedConversions kPackedConversions = choose_packed_conversions();

[[gnu::hot]] PartialConversion stereo_to_float(SampleFormat format, const std::byte* frames, std::uint32_t channel,
                                               std::size_t count, float* out) noexcept {
    return HWY_DYNAMIC_DISPATCH(stereo_to_any)(format, frames, channel, count, out);
}

[[gnu::hot]] PartialConversion stereo_from_float(SampleFormat format, const float* in, std::uint32_t channel,
                                                 std::size_t count, std::byte* frames) noexcept {
    return HWY_DYNAMIC_DISPATCH(stereo_from_any)(format, in, channel, count, frames);
}

}  // namespace sidetone::dsp
#endif
