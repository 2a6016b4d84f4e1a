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

/// Calls `body(tag, n)` for whole vectors of the kind of `whole`, then for single elements.
template <class D, class Body>
HWY_INLINE void for_each_vector_of(D whole, std::size_t count, Body body) {
    const hn::CappedTag<float, 1> single;
    std::size_t n = 0;
    for (; n + hn::Lanes(whole) <= count; n += hn::Lanes(whole)) body(whole, n);
    for (; n < count; ++n) body(single, n);
}

/// By the widest vectors that there are.
template <class Body>
HWY_INLINE void for_each_vector(std::size_t count, Body body) {
    for_each_vector_of(hn::ScalableTag<float>(), count, body);
}

/// For what runs in callbacks of a few microseconds. Their vectors have no more than eight floats: a processor that has
/// just slept is slower with 16 (measured; see the resampler's kernels).
template <class Body>
HWY_INLINE void for_each_live_vector(std::size_t count, Body body) {
    for_each_vector_of(hn::CappedTag<float, 8>(), count, body);
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
