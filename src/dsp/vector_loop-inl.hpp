// SPDX-License-Identifier: Apache-2.0

// Included once per target by files with vector kernels, after hwy/highway.h: loops over samples of any number.
#if defined(SIDETONE_DSP_VECTOR_LOOP) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDETONE_DSP_VECTOR_LOOP
#undef SIDETONE_DSP_VECTOR_LOOP
#else
#define SIDETONE_DSP_VECTOR_LOOP
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Calls `body(tag, n)` for whole vectors, then for single elements.
template <class Body>
HWY_INLINE void for_each_vector(std::size_t count, Body body) {
    const hn::ScalableTag<float> whole;
    const hn::CappedTag<float, 1> single;
    std::size_t n = 0;
    for (; n + hn::Lanes(whole) <= count; n += hn::Lanes(whole)) body(whole, n);
    for (; n < count; ++n) body(single, n);
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
