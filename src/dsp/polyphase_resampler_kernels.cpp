// SPDX-License-Identifier: Apache-2.0
#include "dsp/polyphase_resampler_kernels.hpp"

#include <algorithm>

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

// ── any ratio: one output after another, its taps side by side ───────────────────────────────────

void filter_each(const PolyphaseBranches& branches, PolyphaseStart at, std::size_t count, float* out) {
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

// ── a multiple of the input rate: the outputs of a branch side by side, no sum across lanes ──────

constexpr std::size_t kMostRaisedTaps = 128;
constexpr std::uint32_t kMostRaisedPhases = 6;
constexpr std::size_t kGroupVectors = 3;  // enough sums at once to hide the multiplier's latency
constexpr std::size_t kGroup = kGroupVectors * kLanes;

bool is_small_multiple(const PolyphaseBranches& branches) {
    return branches.step == 1 && branches.phases <= kMostRaisedPhases && branches.taps <= kMostRaisedTaps &&
           HWY_TARGET != HWY_SCALAR;
}

/// The outputs of one branch at `kGroup` neighbouring inputs, each summed in the order of its taps.
HWY_INLINE void filter_group(const PolyphaseBranches& branches, const float* oldest, std::uint32_t phase, float* sums) {
    const Wide d;
    const float* coefficients = branches.coefficients + phase * branches.units * kTapUnit;
    auto a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d);
    const auto add_unit = [&](const float* in, const float* unit) HWY_ATTR {
        for (std::size_t tap = 0; tap < kTapUnit; ++tap) {
            const auto coefficient = hn::Set(d, unit[tap]);
            a = hn::MulAdd(coefficient, hn::LoadU(d, in + tap), a);
            b = hn::MulAdd(coefficient, hn::LoadU(d, in + tap + kLanes), b);
            c = hn::MulAdd(coefficient, hn::LoadU(d, in + tap + 2 * kLanes), c);
        }
    };
    for (std::size_t unit = 0; unit + 1 < branches.units; ++unit)
        add_unit(oldest + unit * kTapUnit, coefficients + unit * kTapUnit);
    add_unit(oldest + branches.taps - kTapUnit, coefficients + (branches.units - 1) * kTapUnit);
    hn::Store(a, d, sums);
    hn::Store(b, d, sums + kLanes);
    hn::Store(c, d, sums + 2 * kLanes);
}

/// `count` outputs of a group in the order of time, from output `first` of it on.
void interleave(const float (*sums)[kGroup], std::uint32_t phases, std::size_t first, std::size_t count, float* out) {
    const Wide d;
    HWY_ALIGN float block[kMostRaisedPhases * kGroup];
    if (phases == 3) {
        for (std::size_t i = 0; i < kGroup; i += kLanes) {
            hn::StoreInterleaved3(hn::Load(d, sums[0] + i), hn::Load(d, sums[1] + i), hn::Load(d, sums[2] + i), d,
                                  block + 3 * i);
        }
    } else {
        for (std::size_t i = 0; i < kGroup; ++i) {
            for (std::uint32_t phase = 0; phase < phases; ++phase) block[i * phases + phase] = sums[phase][i];
        }
    }
    std::copy_n(block + first, count, out);
}

void filter_multiple(const PolyphaseBranches& branches, PolyphaseStart at, std::size_t count, float* out) {
    HWY_ALIGN float sums[kMostRaisedPhases][kGroup];
    HWY_ALIGN float last_inputs[kMostRaisedTaps + kGroup];
    const float* oldest = at.oldest;
    std::size_t first = at.phase;
    for (std::size_t done = 0; done < count; oldest += kGroup) {
        const auto outputs = std::min(kGroup * branches.phases - first, count - done);
        const auto inputs = (first + outputs - 1) / branches.phases + branches.taps;
        const float* in = oldest;
        if (inputs < kGroup + branches.taps - 1) {  // beyond these nothing may be read
            std::copy_n(oldest, inputs, last_inputs);
            std::fill(last_inputs + inputs, last_inputs + kGroup + branches.taps - 1, 0.0F);
            in = last_inputs;
        }
        for (std::uint32_t phase = 0; phase < branches.phases; ++phase) filter_group(branches, in, phase, sums[phase]);
        interleave(sums, branches.phases, first, outputs, out + done);
        done += outputs;
        first = 0;
    }
}

void filter(const PolyphaseBranches& branches, PolyphaseStart at, std::size_t count, float* out) {
    if (is_small_multiple(branches)) {
        filter_multiple(branches, at, count, out);
    } else {
        filter_each(branches, at, count, out);
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
