// SPDX-License-Identifier: Apache-2.0
#include "dsp/biquad_kernels.hpp"

#include <algorithm>
#include <array>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/biquad_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Those channels, from `first` on, that fit into one vector. The processor overlaps one frame's last biquads with the
/// next frame's first ones by itself.
template <bool moving, class D>
HWY_INLINE void filter_frames(D d, const BiquadRun& run, std::size_t first, Biquad* biquads) {
    const hn::Rebind<float, D> single;
    constexpr float kMost = 64;
    constexpr std::size_t kLanes = 2;
    alignas(16) float samples[kLanes] = {};
    for (std::size_t n = 0; n < run.frames; ++n) {
        for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) samples[lane] = run.in[first + lane][n];
        const auto raw = hn::LoadU(single, samples);
        const auto number = hn::IfThenElseZero(hn::Eq(raw, raw), raw);
        const auto bounded = hn::Max(hn::Min(number, hn::Set(single, kMost)), hn::Set(single, -kMost));
        auto x = hn::PromoteTo(d, bounded);
        for (std::size_t i = 0; i < run.count; ++i) {
            Biquad& c = biquads[i];
            if constexpr (moving) {
                const Biquad& step = run.steps[i];
                c = {c.b0 + step.b0, c.b1 + step.b1, c.b2 + step.b2, c.a1 + step.a1, c.a2 + step.a2};
            }
            double* memory = run.memory + 4 * i + first;
            const auto s1 = hn::LoadU(d, memory);
            const auto s2 = hn::LoadU(d, memory + 2);
            const auto y = hn::MulAdd(x, hn::Set(d, c.b0), s1);
            hn::StoreU(hn::NegMulAdd(y, hn::Set(d, c.a1), hn::MulAdd(x, hn::Set(d, c.b1), s2)), d, memory);
            hn::StoreU(hn::NegMulAdd(y, hn::Set(d, c.a2), hn::Mul(x, hn::Set(d, c.b2))), d, memory + 2);
            x = y;
        }
        hn::StoreU(hn::DemoteTo(single, x), single, samples);
        for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) run.out[first + lane][n] = samples[lane];
    }
}

void filter_both(const BiquadRun& run) {
    const hn::CappedTag<double, 2> d;
    std::array<Biquad, BiquadCascade::kMost> start;
    std::copy_n(run.biquads, run.count, start.begin());
    for (std::size_t first = 0; first < run.channels; first += hn::Lanes(d)) {
        std::copy_n(start.begin(), run.count, run.biquads);
        if (run.steps != nullptr) {
            filter_frames<true>(d, run, first, run.biquads);
        } else {
            filter_frames<false>(d, run, first, run.biquads);
        }
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(filter_both);

void filter_pair(const BiquadRun& run) noexcept {
    HWY_DYNAMIC_DISPATCH(filter_both)(run);
}

}  // namespace sidetone::dsp
#endif
