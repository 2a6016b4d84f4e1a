// SPDX-License-Identifier: Apache-2.0
#include "nn/native/elementwise_kernels.hpp"

#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/elementwise_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class Function>
HWY_INLINE void map(const float* x, float* out, std::size_t count, Function function) {
    const Tag d;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) hn::StoreU(function(d, hn::LoadU(d, x + i)), d, out + i);
    if (i < count) store_part(function(d, load_part(d, x + i, count - i)), d, out + i, count - i);
}

void unary(Unary f, float a, float b, const float* x, float* out, std::size_t count) {
    const auto run = [&](auto function) HWY_ATTR { map(x, out, count, function); };
    switch (f) {
        case Unary::absolute:
            return run([](auto, auto v) HWY_ATTR { return hn::Abs(v); });
        case Unary::negative:
            return run([](auto, auto v) HWY_ATTR { return hn::Neg(v); });
        case Unary::reciprocal:
            return run([](auto d, auto v) HWY_ATTR { return hn::Div(hn::Set(d, 1.0F), v); });
        case Unary::square:
            return run([](auto, auto v) HWY_ATTR { return hn::Mul(v, v); });
        case Unary::square_root:
            return run([](auto, auto v) HWY_ATTR { return hn::Sqrt(v); });
        case Unary::exponential:
            return run([](auto d, auto v) HWY_ATTR { return hn::Exp(d, v); });
        case Unary::logarithm:
            return run([](auto d, auto v) HWY_ATTR { return logarithm(d, v); });
        case Unary::sigmoid:
            return run([](auto d, auto v) HWY_ATTR { return sigmoid(d, v); });
        case Unary::tanh:
            return run([](auto d, auto v) HWY_ATTR { return tanh(d, v); });
        case Unary::relu:
            return run([](auto d, auto v) HWY_ATTR { return hn::Max(v, hn::Zero(d)); });
        case Unary::leaky_relu:
            return run([a](auto d, auto v)
                           HWY_ATTR { return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(hn::Set(d, a), v), v); });
        case Unary::clip:
            return run([a, b](auto d, auto v) HWY_ATTR { return hn::Min(hn::Max(v, hn::Set(d, a)), hn::Set(d, b)); });
        case Unary::elu:
            return run([a, b](auto d, auto v) HWY_ATTR {
                const auto below = hn::Mul(hn::Set(d, a), hn::Expm1(d, v));
                return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), below, hn::Mul(hn::Set(d, b), v));
            });
        case Unary::celu:
            return run([a](auto d, auto v) HWY_ATTR {
                const auto below = hn::Mul(hn::Set(d, a), hn::Expm1(d, hn::Div(v, hn::Set(d, a))));
                return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), below, v);
            });
        case Unary::hard_sigmoid:
            return run([a, b](auto d, auto v) HWY_ATTR { return hard_sigmoid(d, a, b, v); });
        case Unary::hard_swish:
            return run([](auto d, auto v) HWY_ATTR { return hn::Mul(v, hard_sigmoid(d, 1.0F / 6, 0.5F, v)); });
        case Unary::softplus:
            // ln(1 + e^v) = max(v, 0) + ln(1 + e^-|v|): never overflows.
            return run([](auto d, auto v) HWY_ATTR {
                return hn::Add(hn::Max(v, hn::Zero(d)), hn::Log1p(d, hn::Exp(d, hn::Neg(hn::Abs(v)))));
            });
        case Unary::softsign:
            return run([](auto d, auto v) HWY_ATTR { return hn::Div(v, hn::Add(hn::Set(d, 1.0F), hn::Abs(v))); });
        case Unary::mish:
            return run([](auto d, auto v) HWY_ATTR { return mish(d, v); });
        case Unary::error_function:
            return run([](auto d, auto v) HWY_ATTR { return error_function(d, v); });
        case Unary::gelu:
            return run([](auto d, auto v) HWY_ATTR { return gelu(d, v); });
        case Unary::gelu_by_tanh:
            return run([](auto d, auto v) HWY_ATTR { return gelu_by_tanh(d, v); });
        case Unary::threshold:
            return run([a](auto d, auto v) HWY_ATTR { return hn::IfThenElseZero(hn::Gt(v, hn::Set(d, a)), v); });
        case Unary::shrink:
            return run([a, b](auto d, auto v) HWY_ATTR {
                const auto moved =
                    hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Add(v, hn::Set(d, b)), hn::Sub(v, hn::Set(d, b)));
                return hn::IfThenElseZero(hn::Gt(hn::Abs(v), hn::Set(d, a)), moved);
            });
        case Unary::sign:
            return run([](auto d, auto v) HWY_ATTR {
                const auto one = hn::CopySign(hn::Set(d, 1.0F), v);
                return hn::IfThenElse(hn::Eq(v, hn::Zero(d)), v, one);
            });
        case Unary::floor:
            return run([](auto, auto v) HWY_ATTR { return hn::Floor(v); });
        case Unary::ceil:
            return run([](auto, auto v) HWY_ATTR { return hn::Ceil(v); });
        case Unary::round:
            return run([](auto, auto v) HWY_ATTR { return hn::Round(v); });
        case Unary::sine:
            return run([](auto d, auto v) HWY_ATTR { return hn::Sin(d, v); });
        case Unary::cosine:
            return run([](auto d, auto v) HWY_ATTR { return hn::Cos(d, v); });
        case Unary::identity:
            return run([](auto, auto v) HWY_ATTR { return v; });
    }
}

template <class Function>
HWY_INLINE void combine(const float* x, std::size_t x_step, const float* y, std::size_t y_step, float* out,
                        std::size_t count, Function function) {
    if (x_step != 0 && y_step != 0) {
        const Tag d;
        const std::size_t lanes = hn::Lanes(d);
        std::size_t i = 0;
        for (; i + lanes <= count; i += lanes) {
            hn::StoreU(function(d, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, out + i);
        }
        if (i < count) {
            const auto n = count - i;
            store_part(function(d, load_part(d, x + i, n), load_part(d, y + i, n)), d, out + i, n);
        }
    } else if (x_step != 0) {
        map(x, out, count, [y, function](auto d, auto v) HWY_ATTR { return function(d, v, hn::Set(d, *y)); });
    } else if (y_step != 0) {
        map(y, out, count, [x, function](auto d, auto v) HWY_ATTR { return function(d, hn::Set(d, *x), v); });
    } else {
        const hn::CappedTag<float, 1> d;
        const auto value = function(d, hn::Set(d, *x), hn::Set(d, *y));
        const float result = hn::GetLane(value);
        for (std::size_t i = 0; i < count; ++i) out[i] = result;
    }
}

void binary(Binary f, OperandRows x, OperandRows y, float* out, std::ptrdiff_t out_stride, std::size_t rows,
            std::size_t count) {
    const auto run = [&](auto function) HWY_ATTR {
        for (std::size_t r = 0; r < rows; ++r) {
            combine(x.data, x.step, y.data, y.step, out, count, function);
            x.data += x.row_stride;
            y.data += y.row_stride;
            out += out_stride;
        }
    };
    switch (f) {
        case Binary::add:
            return run([](auto, auto v, auto w) HWY_ATTR { return hn::Add(v, w); });
        case Binary::subtract:
            return run([](auto, auto v, auto w) HWY_ATTR { return hn::Sub(v, w); });
        case Binary::multiply:
            return run([](auto, auto v, auto w) HWY_ATTR { return hn::Mul(v, w); });
        case Binary::divide:
            return run([](auto, auto v, auto w) HWY_ATTR { return hn::Div(v, w); });
        case Binary::maximum:
            return run([](auto, auto v, auto w) HWY_ATTR { return hn::Max(v, w); });
        case Binary::minimum:
            return run([](auto, auto v, auto w) HWY_ATTR { return hn::Min(v, w); });
        case Binary::prelu:
            return run([](auto d, auto v, auto w)
                           HWY_ATTR { return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(v, w), v); });
    }
}

void affine(float scale, float shift, const float* x, float* out, std::size_t count) {
    map(x, out, count,
        [scale, shift](auto d, auto v) HWY_ATTR { return hn::MulAdd(v, hn::Set(d, scale), hn::Set(d, shift)); });
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(unary);
HWY_EXPORT(binary);
HWY_EXPORT(affine);

void apply_unary(Unary f, float a, float b, const float* x, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(unary)(f, a, b, x, out, count);
}

void apply_binary_rows(Binary f, OperandRows x, OperandRows y, float* out, std::ptrdiff_t out_stride, std::size_t rows,
                       std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(binary)(f, x, y, out, out_stride, rows, count);
}

void scale_and_shift(float scale, float shift, const float* x, float* out, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(affine)(scale, shift, x, out, count);
}

}  // namespace sidetone::nn::native
#endif
