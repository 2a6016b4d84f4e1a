// SPDX-License-Identifier: Apache-2.0
#include "dsp/polyphase_resampler_kernels.hpp"

#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/polyphase_resampler_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sums are folded to four lanes and then added across: vectors of variable length are used as if they had four. Vectors
// of 16 are left alone: in a processor that has just slept, a live callback of two microseconds is over a fifth sooner
// with vectors of 8 (measured), here and in the conversion of samples.
constexpr std::size_t kLanes = HWY_HAVE_SCALABLE ? 4 : HWY_MIN(HWY_LANES(float), kTapUnit / 2);
constexpr std::size_t kFolded = HWY_MIN(kLanes, 4);
using Wide = hn::CappedTag<float, kLanes>;
using Folded = hn::CappedTag<float, kFolded>;

/// Adds the halves of a vector that has more than four lanes.
template <class D, class V>
HWY_INLINE auto fold([[maybe_unused]] D d, V sum) {
    static_assert(kLanes <= 2 * kFolded);
    if constexpr (kLanes == kFolded) {
        return sum;
    } else {
#if HWY_TARGET != HWY_SCALAR
        const hn::Half<D> half;
        return hn::Add(hn::LowerHalf(half, sum), hn::UpperHalf(half, sum));
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
            odd = hn::MulAdd(hn::LoadU(d, in + lane + kLanes), hn::Load(d, unit + lane + kLanes), odd);
        }
    };
    for (std::size_t unit = 0; unit + 1 < branches.units; ++unit)
        accumulate(oldest + unit * kTapUnit, taps + unit * kTapUnit);
    accumulate(oldest + branches.taps - kTapUnit, taps + (branches.units - 1) * kTapUnit);
    return fold(d, hn::Add(even, odd));
}

// ── any ratio: one output after another, its taps side by side ───────────────────────────────────

/// The next output's sum; `at` goes on to the one after it.
HWY_INLINE auto next_product(const PolyphaseBranches& branches, std::uint32_t whole, std::uint32_t fraction,
                             PolyphaseStart& at) {
    const auto sum = folded_product(branches, at.oldest, at.phase);
    at.phase += fraction;
    const bool wraps = at.phase >= branches.phases;
    at.phase -= wraps ? branches.phases : 0;
    at.oldest += whole + (wraps ? 1 : 0);
    return sum;
}

/// Outputs from `n` on that are too few for four at a time.
HWY_INLINE void filter_rest(const PolyphaseBranches& branches, std::uint32_t whole, std::uint32_t fraction,
                            PolyphaseStart at, std::size_t n, std::size_t count, float* out) {
    for (; n < count; ++n) {
        HWY_ALIGN float lanes[4] = {};
        hn::Store(next_product(branches, whole, fraction, at), Folded(), lanes);
        out[n] = (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
    }
}

#if HWY_TARGET != HWY_SCALAR
/// A transposition by halves; then lanes 0 and 2 of each sum are added, and 1 and 3, and those two.
template <class V>
HWY_INLINE void store_sums(V a, V b, V c, V e, float* out) {
    const Folded d;
    const auto ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
    const auto ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
    hn::StoreU(hn::Add(hn::ConcatLowerLower(d, ce, ab), hn::ConcatUpperUpper(d, ce, ab)), d, out);
}
#endif

[[gnu::hot]] void filter_each(const PolyphaseBranches& branches, PolyphaseStart at, std::size_t count, float* out) {
    const std::uint32_t whole = branches.step / branches.phases;
    const std::uint32_t fraction = branches.step % branches.phases;
    std::size_t n = 0;
#if HWY_TARGET != HWY_SCALAR
    for (; n + 4 <= count; n += 4) {
        const auto a = next_product(branches, whole, fraction, at);
        const auto b = next_product(branches, whole, fraction, at);
        const auto c = next_product(branches, whole, fraction, at);
        const auto e = next_product(branches, whole, fraction, at);
        store_sums(a, b, c, e, out + n);
    }
#endif
    filter_rest(branches, whole, fraction, at, n, count, out);
}

// ── a whole fraction of the input rate: one branch for all outputs ───────────────────────────────

#if HWY_TARGET != HWY_SCALAR
/// Four outputs, each summed as folded_product does, for which every tap is loaded once.
HWY_INLINE void filter_four(const PolyphaseBranches& branches, const float* oldest, float* out) {
    const Wide d;
    auto even0 = hn::Zero(d), even1 = even0, even2 = even0, even3 = even0;
    auto odd0 = even0, odd1 = even0, odd2 = even0, odd3 = even0;
    const std::size_t step = branches.step;
    const auto accumulate = [&](const float* in, const float* unit) HWY_ATTR {
        for (std::size_t lane = 0; lane < kTapUnit; lane += 2 * kLanes, in += 2 * kLanes) {
            const auto low = hn::Load(d, unit + lane);
            const auto high = hn::Load(d, unit + lane + kLanes);
            even0 = hn::MulAdd(hn::LoadU(d, in), low, even0);
            odd0 = hn::MulAdd(hn::LoadU(d, in + kLanes), high, odd0);
            even1 = hn::MulAdd(hn::LoadU(d, in + step), low, even1);
            odd1 = hn::MulAdd(hn::LoadU(d, in + step + kLanes), high, odd1);
            even2 = hn::MulAdd(hn::LoadU(d, in + 2 * step), low, even2);
            odd2 = hn::MulAdd(hn::LoadU(d, in + 2 * step + kLanes), high, odd2);
            even3 = hn::MulAdd(hn::LoadU(d, in + 3 * step), low, even3);
            odd3 = hn::MulAdd(hn::LoadU(d, in + 3 * step + kLanes), high, odd3);
        }
    };
    for (std::size_t unit = 0; unit + 1 < branches.units; ++unit)
        accumulate(oldest + unit * kTapUnit, branches.coefficients + unit * kTapUnit);
    accumulate(oldest + branches.taps - kTapUnit, branches.coefficients + (branches.units - 1) * kTapUnit);
    store_sums(fold(d, hn::Add(even0, odd0)), fold(d, hn::Add(even1, odd1)), fold(d, hn::Add(even2, odd2)),
               fold(d, hn::Add(even3, odd3)), out);
}

/// What is left over from whole fours is computed by four that begin within those before: the outputs they share come
/// out the same.
[[gnu::hot]] void filter_fraction(const PolyphaseBranches& branches, PolyphaseStart at, std::size_t count, float* out) {
    if (count < 4) {
        filter_rest(branches, branches.step, 0, at, 0, count, out);
        return;
    }
    for (std::size_t i = 0; i < count; i += 4) {
        const auto n = HWY_MIN(i, count - 4);
        filter_four(branches, at.oldest + n * branches.step, out + n);
    }
}
#endif

// ── a multiple of the input rate: the outputs of a branch side by side, no sum across lanes ──────

// Vectors of variable length have no arrays.
#if HWY_TARGET != HWY_SCALAR && !HWY_HAVE_SCALABLE

// What follows gives an output the same bits in whatever width it is computed: one sum, in the order of the taps. The
// output of phase 0 is no sum: it lies where an input lies, and a filter that ends at half the input rate has its zeros
// at all others.

/// The input where phase 0 lies.
HWY_INLINE const float* middle(const PolyphaseBranches& branches, const float* oldest) {
    return oldest + branches.taps / 2 - 1;
}

/// The branches of kSums / kVectors phases, from `first_phase` on, at kVectors × Lanes(d) neighbouring inputs, the
/// first of which begins at `oldest`: each input is loaded once for all of them, and the sums are enough to hide the
/// multiplier's latency. Their order is that of the phases; a pack numbers them, for an array is kept in registers only
/// where no loop walks it.
template <std::size_t kVectors, class D, class V, std::size_t kSums>
HWY_INLINE void filter_neighbours(D d, const PolyphaseBranches& branches, std::uint32_t first_phase,
                                  const float* oldest, V (&sums)[kSums]) {
    const std::size_t branch = branches.units * kTapUnit;
    const float* const coefficients = branches.coefficients + first_phase * branch;
    const auto for_each_sum = [&]<std::size_t... kSum>(std::index_sequence<kSum...>) HWY_ATTR {
        ((sums[kSum] = hn::Zero(d)), ...);
        const auto add_unit = [&](const float* in, const float* unit) HWY_ATTR {
            for (std::size_t tap = 0; tap < kTapUnit; ++tap) {
                ((sums[kSum] = hn::MulAdd(hn::Set(d, unit[kSum / kVectors * branch + tap]),
                                          hn::LoadU(d, in + tap + kSum % kVectors * hn::Lanes(d)), sums[kSum])),
                 ...);
            }
        };
        for (std::size_t unit = 0; unit + 1 < branches.units; ++unit)
            add_unit(oldest + unit * kTapUnit, coefficients + unit * kTapUnit);
        add_unit(oldest + branches.taps - kTapUnit, coefficients + (branches.units - 1) * kTapUnit);
    };
    for_each_sum(std::make_index_sequence<kSums>());
}

HWY_INLINE float filter_one(const PolyphaseBranches& branches, const float* oldest, std::uint32_t phase) {
    if (phase == 0) return *middle(branches, oldest);
    const hn::CappedTag<float, 1> d;
    hn::Vec<decltype(d)> sums[1];
    filter_neighbours<1>(d, branches, phase, oldest, sums);
    return hn::GetLane(sums[0]);
}

/// All branches at kVectors × Lanes(d) neighbouring inputs, their outputs in the order of time.
template <std::size_t kVectors, std::uint32_t kPhases, class D>
HWY_INLINE void filter_group(D d, const PolyphaseBranches& branches, const float* oldest, float* out) {
    hn::Vec<D> sums[(kPhases - 1) * kVectors];
    filter_neighbours<kVectors>(d, branches, 1, oldest, sums);
    for (std::size_t v = 0; v < kVectors; ++v) {
        const auto first = hn::LoadU(d, middle(branches, oldest) + v * hn::Lanes(d));
        const auto* const of = sums + v;
        float* const to = out + v * hn::Lanes(d) * kPhases;
        if constexpr (kPhases == 2) hn::StoreInterleaved2(first, of[0], d, to);
        if constexpr (kPhases == 3) hn::StoreInterleaved3(first, of[0], of[kVectors], d, to);
        if constexpr (kPhases == 4) hn::StoreInterleaved4(first, of[0], of[kVectors], of[2 * kVectors], d, to);
    }
}

/// All branches of as many inputs as there are. What is left over from whole groups is a group that ends with the last
/// input and begins within the one before: the outputs they share come out the same.
template <std::size_t kVectors, std::uint32_t kPhases, class D>
HWY_INLINE void filter_inputs(D d, const PolyphaseBranches& branches, const float* oldest, std::size_t inputs,
                              float* out) {
    const std::size_t group = kVectors * hn::Lanes(d);
    for (std::size_t i = 0; i < inputs; i += group) {
        const auto at = HWY_MIN(i, inputs - group);
        filter_group<kVectors, kPhases>(d, branches, oldest + at, out + at * kPhases);
    }
}

template <std::uint32_t kPhases>
[[gnu::hot]] void filter_multiple(const PolyphaseBranches& branches, PolyphaseStart at, std::size_t count, float* out) {
    const Wide wide;
    const Folded narrow;
    // Outputs of an input of which some are not wanted are computed one by one, first for they take longest: those up
    // to `head`, and those from `tail` on.
    const std::size_t head = at.phase == 0 ? 0 : HWY_MIN(kPhases - at.phase, count);
    auto inputs = (count - head) / kPhases;
    if (inputs < hn::Lanes(narrow)) inputs = 0;
    const auto tail = head + inputs * kPhases;
    for (std::size_t n = head > 0 ? 0 : tail; n < count; n = n + 1 == head ? tail : n + 1) {
        const auto place = at.phase + n;
        out[n] = filter_one(branches, at.oldest + place / kPhases, static_cast<std::uint32_t>(place % kPhases));
    }
    const float* oldest = at.oldest + (at.phase + head) / kPhases;
    if (inputs >= 2 * hn::Lanes(wide)) {
        filter_inputs<2, kPhases>(wide, branches, oldest, inputs, out + head);
    } else if (inputs >= hn::Lanes(wide)) {
        filter_inputs<1, kPhases>(wide, branches, oldest, inputs, out + head);
    } else if (inputs > 0) {
        filter_inputs<1, kPhases>(narrow, branches, oldest, inputs, out + head);
    }
}

#endif

PolyphaseFilter filter_for([[maybe_unused]] const PolyphaseBranches& branches) {
#if HWY_TARGET != HWY_SCALAR && !HWY_HAVE_SCALABLE
    if (branches.step == 1 && branches.phases == 2) return filter_multiple<2>;
    if (branches.step == 1 && branches.phases == 3) return filter_multiple<3>;
    if (branches.step == 1 && branches.phases == 4) return filter_multiple<4>;
#endif
#if HWY_TARGET != HWY_SCALAR
    if (branches.phases <= 1) return filter_fraction;
#endif
    return filter_each;
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(filter_for);

PolyphaseFilter polyphase_filter(const PolyphaseBranches& branches) noexcept {
    return HWY_DYNAMIC_DISPATCH(filter_for)(branches);
}

}  // namespace sidetone::dsp
#endif
