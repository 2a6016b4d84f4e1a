// SPDX-License-Identifier: Apache-2.0

// Included once per target by files with vector kernels, after hwy/highway.h: parts of vectors, and the functions that
// networks use.
#if defined(SIDETONE_NN_NATIVE_VECTOR_MATH) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDETONE_NN_NATIVE_VECTOR_MATH
#undef SIDETONE_NN_NATIVE_VECTOR_MATH
#else
#define SIDETONE_NN_NATIVE_VECTOR_MATH
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cstddef>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kMaxLanes = 16;
using Tag = hn::CappedTag<float, kMaxLanes>;

/// The first `count` lanes; nothing behind them is touched.
template <class D>
HWY_INLINE hn::Vec<D> load_part(D d, const float* from, std::size_t count) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
    return hn::MaskedLoad(hn::FirstN(d, count), d, from);
#else
    HWY_ALIGN float lanes[kMaxLanes] = {};
    for (std::size_t i = 0; i < count; ++i) lanes[i] = from[i];
    return hn::Load(d, lanes);
#endif
}

template <class D>
HWY_INLINE void store_part(hn::Vec<D> value, D d, float* to, std::size_t count) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
    hn::BlendedStore(value, hn::FirstN(d, count), d, to);
#else
    HWY_ALIGN float lanes[kMaxLanes];
    hn::Store(value, d, lanes);
    for (std::size_t i = 0; i < count; ++i) to[i] = lanes[i];
#endif
}

/// 1 / (1 + e^-v).
template <class D>
HWY_INLINE hn::Vec<D> sigmoid(D d, hn::Vec<D> v) {
    const auto one = hn::Set(d, 1.0F);
    // Beyond ±88 a float's sigmoid is 0 or 1; within, no exponential overflows.
    const auto bounded = hn::Min(hn::Max(v, hn::Set(d, -88.0F)), hn::Set(d, 88.0F));
    return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(bounded))));
}

/// tanh v within 3e-7 of its value: v·P(v²)/Q(v²), fitted for the least relative error up to where a float's tanh is 1.
template <class D>
HWY_INLINE hn::Vec<D> tanh(D d, hn::Vec<D> v) {
    const auto limit = hn::Set(d, 8.5F);
    // In this order what is no number stays none.
    const auto x = hn::Min(limit, hn::Max(hn::Neg(limit), v));
    const auto u = hn::Mul(x, x);
    auto p = hn::MulAdd(u, hn::Set(d, 1.4268215e-08F), hn::Set(d, 2.1250464e-05F));
    auto q = hn::MulAdd(u, hn::Set(d, 8.1447536e-07F), hn::Set(d, 3.3488133e-04F));
    p = hn::MulAdd(u, p, hn::Set(d, 3.533998e-03F));
    q = hn::MulAdd(u, q, hn::Set(d, 2.6022648e-02F));
    p = hn::MulAdd(u, p, hn::Set(d, 1.3413225e-01F));
    q = hn::MulAdd(u, q, hn::Set(d, 4.6746549e-01F));
    const auto one = hn::Set(d, 1.0F);
    return hn::Div(hn::Mul(x, hn::MulAdd(u, p, one)), hn::MulAdd(u, q, one));
}

/// The sigmoid for gates: within 2e-7 of 1, which is not little where the value itself is.
template <class D>
HWY_INLINE hn::Vec<D> gate_sigmoid(D d, hn::Vec<D> v) {
    const auto half = hn::Set(d, 0.5F);
    return hn::MulAdd(half, tanh(d, hn::Mul(half, v)), half);
}

/// ln v, with the limits that Highway leaves out: -infinity at 0, no number below.
template <class D>
HWY_INLINE hn::Vec<D> logarithm(D d, hn::Vec<D> v) {
    const auto zero = hn::Zero(d);
    const auto infinity = hn::Set(d, std::numeric_limits<float>::infinity());
    const auto above = hn::IfThenElse(hn::Eq(v, zero), hn::Neg(infinity), hn::Log(d, v));
    const auto nowhere = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
    return hn::IfThenElse(hn::Lt(v, zero), nowhere, hn::IfThenElse(hn::Eq(v, infinity), infinity, above));
}

template <class D>
HWY_INLINE hn::Vec<D> hard_sigmoid(D d, float slope, float shift, hn::Vec<D> v) {
    const auto line = hn::MulAdd(hn::Set(d, slope), v, hn::Set(d, shift));
    return hn::Min(hn::Max(line, hn::Zero(d)), hn::Set(d, 1.0F));
}

/// x·tanh(ln(1 + e^x)) = x·n / (n + 2) with n = e^x·(e^x + 2).
template <class D>
HWY_INLINE hn::Vec<D> mish(D d, hn::Vec<D> v) {
    const auto two = hn::Set(d, 2.0F);
    // From 20 on a float's tanh is 1.
    const auto e = hn::Exp(d, hn::Min(v, hn::Set(d, 20.0F)));
    const auto n = hn::Mul(e, hn::Add(e, two));
    return hn::Mul(v, hn::Div(n, hn::Add(n, two)));
}

/// 2/√π ∫ e^(-t²) from 0 to v: its series up to ½, then Abramowitz and Stegun 7.1.26 (1.5e-7).
template <class D>
HWY_INLINE hn::Vec<D> error_function(D d, hn::Vec<D> v) {
    const auto square = hn::Mul(v, v);
    auto series = hn::Set(d, -1.0F / 1320);
    for (const float term : {1.0F / 216, -1.0F / 42, 1.0F / 10, -1.0F / 3, 1.0F}) {
        series = hn::MulAdd(series, square, hn::Set(d, term));
    }
    const auto near = hn::Mul(hn::Mul(v, hn::Set(d, 1.12837917F)), series);

    const auto one = hn::Set(d, 1.0F);
    const auto size = hn::Min(hn::Abs(v), hn::Set(d, 6.0F));
    const auto t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.3275911F), size, one));
    auto sum = hn::Set(d, 1.061405429F);
    for (const float term : {-1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F}) {
        sum = hn::MulAdd(sum, t, hn::Set(d, term));
    }
    const auto tail = hn::Mul(hn::Mul(sum, t), hn::Exp(d, hn::Neg(hn::Mul(size, size))));
    const auto far = hn::CopySign(hn::Sub(one, tail), v);
    return hn::IfThenElse(hn::Lt(hn::Abs(v), hn::Set(d, 0.5F)), near, far);
}

template <class D>
HWY_INLINE hn::Vec<D> gelu(D d, hn::Vec<D> v) {
    const auto half = hn::Mul(v, hn::Set(d, 0.5F));
    return hn::MulAdd(half, error_function(d, hn::Mul(v, hn::Set(d, 0.70710678F))), half);
}

template <class D>
HWY_INLINE hn::Vec<D> gelu_by_tanh(D d, hn::Vec<D> v) {
    const auto half = hn::Mul(v, hn::Set(d, 0.5F));
    const auto cubic = hn::MulAdd(hn::Mul(hn::Set(d, 0.044715F), hn::Mul(v, v)), v, v);
    return hn::MulAdd(half, hn::Tanh(d, hn::Mul(hn::Set(d, 0.79788456F), cubic)), half);
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
