// SPDX-License-Identifier: Apache-2.0
#include "dsp/polyphase_resampler_kernels.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/polyphase_resampler_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sums are folded to four lanes and then added across: vectors of variable length are used as if they had four.
constexpr std::size_t kLanes = HWY_HAVE_SCALABLE ? 4 : HWY_MIN(HWY_LANES(float), kTapUnit);
constexpr std::size_t kFolded = HWY_MIN(kLanes, 4);
using Wide = hn::CappedTag<float, kLanes>;
using Folded = hn::CappedTag<float, kFolded>;

/// Adds the halves of a vector until four lanes are left.
template <class D, class V>
HWY_INLINE auto fold([[maybe_unused]] D d, V sum) {
    if constexpr (kLanes == kFolded) {
        return sum;
    } else {
#if HWY_TARGET != HWY_SCALAR
        const hn::Half<D> half;
        const auto folded = hn::Add(hn::LowerHalf(half, sum), hn::UpperHalf(half, sum));
        if constexpr (kLanes == 2 * kFolded) {
            return folded;
        } else {
            const Folded quarter;
            return hn::Add(hn::LowerHalf(quarter, folded), hn::UpperHalf(quarter, folded));
        }
#endif
    }
}

/// Taps times input of one output, summed down to four lanes. Two sums side by side hide the multiplier's latency.
HWY_INLINE auto folded_product(const PolyphaseBranches& branches, const float* oldest, std::uint32_t phase) {
    const Wide d;
    const float* taps = branches.coefficients + phase * branches.units * kTapUnit;
    auto even = hn::Zero(d);
    auto odd = hn::Zero(d);
    const auto accumulate = [&](const float* in, const float* unit) HWY_ATTR {
        for (std::size_t lane = 0; lane < kTapUnit; lane += 2 * kLanes) {
            even = hn::MulAdd(hn::LoadU(d, in + lane), hn::Load(d, unit + lane), even);
            if constexpr (kLanes < kTapUnit) {
                odd = hn::MulAdd(hn::LoadU(d, in + lane + kLanes), hn::Load(d, unit + lane + kLanes), odd);
            }
        }
        if constexpr (kLanes == kTapUnit) {
            const auto next = even;
            even = odd;
            odd = next;
        }
    };
    for (std::size_t unit = 0; unit + 1 < branches.units; ++unit)
        accumulate(oldest + unit * kTapUnit, taps + unit * kTapUnit);
    accumulate(oldest + branches.taps - kTapUnit, taps + (branches.units - 1) * kTapUnit);
    return fold(d, hn::Add(even, odd));
}

void filter(const PolyphaseBranches& branches, PolyphaseStart at, std::size_t count, float* out) {
    const std::uint32_t whole = branches.step / branches.phases;
    const std::uint32_t fraction = branches.step % branches.phases;
    const auto next_product = [&]() HWY_ATTR {
        const auto sum = folded_product(branches, at.oldest, at.phase);
        at.phase += fraction;
        const bool wraps = at.phase >= branches.phases;
        at.phase -= wraps ? branches.phases : 0;
        at.oldest += whole + (wraps ? 1 : 0);
        return sum;
    };
    const Folded d;
    std::size_t n = 0;
#if HWY_TARGET != HWY_SCALAR
    for (; n + 4 <= count; n += 4) {
        const auto a = next_product();
        const auto b = next_product();
        const auto c = next_product();
        const auto e = next_product();
        // A transposition by halves; then lanes 0 and 2 of each sum are added, and 1 and 3, and those two.
        const auto ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
        const auto ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
        hn::StoreU(hn::Add(hn::ConcatLowerLower(d, ce, ab), hn::ConcatUpperUpper(d, ce, ab)), d, out + n);
    }
#endif
    for (; n < count; ++n) {
        HWY_ALIGN float lanes[4] = {};
        hn::Store(next_product(), d, lanes);
        out[n] = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(filter);

void polyphase_filter(const PolyphaseBranches& branches, PolyphaseStart start, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(filter)(branches, start, count, out);
}

}  // namespace sidetone::dsp
#endif
