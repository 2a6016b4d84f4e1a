// SPDX-License-Identifier: Apache-2.0

// Included once per target by files with vector kernels, after hwy/highway.h: what becomes of a sum before it is
// stored.
#if defined(SIDETONE_NN_NATIVE_ACTIVATION) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDETONE_NN_NATIVE_ACTIVATION
#undef SIDETONE_NN_NATIVE_ACTIVATION
#else
#define SIDETONE_NN_NATIVE_ACTIVATION
#endif

#include <hwy/highway.h>

#include "nn/native/activation.hpp"
#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// `slope` is prelu's below zero.
template <class D>
HWY_INLINE hn::Vec<D> activate(D d, Activation activation, float slope, hn::Vec<D> v) {
    switch (activation) {
        case Activation::none:
            return v;
        case Activation::relu:
            return hn::Max(v, hn::Zero(d));
        case Activation::prelu:
            return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(v, hn::Set(d, slope)), v);
    }
    return v;
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
