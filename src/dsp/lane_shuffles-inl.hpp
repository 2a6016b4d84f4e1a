// SPDX-License-Identifier: Apache-2.0

// Included once per target by files with vector kernels, after hwy/highway.h: squares of vectors, turned or summed.
#if defined(SIDETONE_DSP_LANE_SHUFFLES) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDETONE_DSP_LANE_SHUFFLES
#undef SIDETONE_DSP_LANE_SHUFFLES
#else
#define SIDETONE_DSP_LANE_SHUFFLES
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Vectors of variable length are used as if they had four lanes: the shuffles below need to know the count.
constexpr std::size_t kWidestLanes = HWY_HAVE_SCALABLE ? 4 : HWY_MIN(HWY_LANES(float), 16);

/// Calls `body` with a tag of the number of lanes: 4, 8 or 16, or the one that this target has.
template <class Body>
HWY_INLINE void with_lanes(std::size_t lanes, Body body) {
    if constexpr (kWidestLanes >= 16) {
        if (lanes == 16) return body(hn::CappedTag<float, 16>{});
    }
    if constexpr (kWidestLanes >= 8) {
        if (lanes == 8) return body(hn::CappedTag<float, 8>{});
    }
    body(hn::CappedTag<float, HWY_MIN(kWidestLanes, 4)>{});
}

template <class D>
inline constexpr std::size_t kLanesOf = HWY_MIN(hn::MaxLanes(D{}), kWidestLanes);

#if HWY_TARGET == HWY_SCALAR

template <class D, class V>
HWY_INLINE void transpose(D /*d*/, V* /*v*/) {}

template <class D, class V>
HWY_INLINE V sums_of(D /*d*/, const V* v) {
    return v[0];
}

#else

/// Within each block of four lanes: turns the four by four numbers of v[0] … v[3].
template <class D, class V>
HWY_INLINE void transpose_blocks(D d, V* v) {
    const hn::Repartition<double, D> pairs;
    const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v[0], v[1]));
    const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v[0], v[1]));
    const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v[2], v[3]));
    const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v[2], v[3]));
    v[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
    v[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
    v[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
    v[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
}

/// Turns as many vectors as they have lanes: lane i of v[j] becomes lane j of v[i].
template <class D, class V>
HWY_INLINE void transpose(D d, V* v) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    for (std::size_t i = 0; i < kLanes; i += 4) transpose_blocks(d, v + i);
    if constexpr (kLanes == 8) {
        for (std::size_t j = 0; j < 4; ++j) {
            const V a = v[j];
            const V b = v[4 + j];
            v[j] = hn::ConcatLowerLower(d, b, a);
            v[4 + j] = hn::ConcatUpperUpper(d, b, a);
        }
    } else if constexpr (kLanes == 16) {
        for (std::size_t j = 0; j < 4; ++j) {
            const V low_ac = hn::ConcatLowerLower(d, v[8 + j], v[j]);
            const V high_ac = hn::ConcatUpperUpper(d, v[8 + j], v[j]);
            const V low_bd = hn::ConcatLowerLower(d, v[12 + j], v[4 + j]);
            const V high_bd = hn::ConcatUpperUpper(d, v[12 + j], v[4 + j]);
            v[j] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(low_bd), low_ac);
            v[4 + j] = hn::OddEvenBlocks(low_bd, hn::SwapAdjacentBlocks(low_ac));
            v[8 + j] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(high_bd), high_ac);
            v[12 + j] = hn::OddEvenBlocks(high_bd, hn::SwapAdjacentBlocks(high_ac));
        }
    }
}

/// Four vectors' sums over each block of four lanes, side by side in that block.
template <class D, class V>
HWY_INLINE V sums_within_blocks(D d, V a, V b, V c, V e) {
    const hn::Repartition<double, D> pairs;
    const auto ab = hn::BitCast(pairs, hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
    const auto ce = hn::BitCast(pairs, hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e)));
    return hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, ab, ce)),
                   hn::BitCast(d, hn::InterleaveUpper(pairs, ab, ce)));
}

/// As many vectors as they have lanes: lane i of the result is the sum over the lanes of v[i].
template <class D, class V>
HWY_INLINE V sums_of(D d, const V* v) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    const V a = sums_within_blocks(d, v[0], v[1], v[2], v[3]);
    if constexpr (kLanes == 4) {
        return a;
    } else if constexpr (kLanes == 8) {
        const V b = sums_within_blocks(d, v[4], v[5], v[6], v[7]);
        return hn::Add(hn::ConcatLowerLower(d, b, a), hn::ConcatUpperUpper(d, b, a));
    } else {
        const V b = sums_within_blocks(d, v[4], v[5], v[6], v[7]);
        const V c = sums_within_blocks(d, v[8], v[9], v[10], v[11]);
        const V e = sums_within_blocks(d, v[12], v[13], v[14], v[15]);
        const V ac = hn::Add(hn::ConcatLowerLower(d, c, a), hn::ConcatUpperUpper(d, c, a));
        const V be = hn::Add(hn::ConcatLowerLower(d, e, b), hn::ConcatUpperUpper(d, e, b));
        return hn::OddEvenBlocks(hn::Add(be, hn::SwapAdjacentBlocks(be)), hn::Add(ac, hn::SwapAdjacentBlocks(ac)));
    }
}

#endif

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
