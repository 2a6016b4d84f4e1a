// SPDX-License-Identifier: Apache-2.0

// Included once per target by files with vector kernels, after hwy/highway.h: samples as filters and limiters take
// them.
#if defined(SIDETONE_DSP_BOUNDED_SAMPLES) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDETONE_DSP_BOUNDED_SAMPLES
#undef SIDETONE_DSP_BOUNDED_SAMPLES
#else
#define SIDETONE_DSP_BOUNDED_SAMPLES
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// What is no number counts as 0, what is beyond ±64 as ±64.
template <class D>
HWY_INLINE hn::Vec<D> load_bounded(D d, const float* in) {
    constexpr float kMost = 64;
    const auto raw = hn::LoadU(d, in);
    const auto number = hn::IfThenElseZero(hn::Eq(raw, raw), raw);
    return hn::Max(hn::Min(number, hn::Set(d, kMost)), hn::Set(d, -kMost));
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
