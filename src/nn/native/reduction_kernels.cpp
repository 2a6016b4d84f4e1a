// SPDX-License-Identifier: Apache-2.0
#include "nn/native/reduction_kernels.hpp"

#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/native/reduction_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "nn/native/vector_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::nn::native::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using V = hn::Vec<Tag>;

struct Adding {
    HWY_INLINE V operator()(V a, V b) const { return hn::Add(a, b); }
    HWY_INLINE float across(V v) const { return hn::GetLane(hn::SumOfLanes(Tag{}, v)); }
    HWY_INLINE float operator()(float a, float b) const { return a + b; }
};

struct Taking {
    bool largest;
    HWY_INLINE V operator()(V a, V b) const { return largest ? hn::Max(a, b) : hn::Min(a, b); }
    HWY_INLINE float across(V v) const {
        return hn::GetLane(largest ? hn::MaxOfLanes(Tag{}, v) : hn::MinOfLanes(Tag{}, v));
    }
    HWY_INLINE float operator()(float a, float b) const {
        const bool takes_a = largest ? a > b : a < b;
        return takes_a ? a : b;
    }
};

// Neighbours. Four sums are under way at once; what is less than a vector is added at the end.
template <class Combine>
HWY_INLINE float reduce_row(const float* x, std::size_t count, Combine combine) {
    const Tag d;
    const auto lanes = hn::Lanes(d);
    if (count < lanes) {
        float result = x[0];
        for (std::size_t i = 1; i < count; ++i) result = combine(result, x[i]);
        return result;
    }
    std::size_t i = lanes;
    auto sum = hn::LoadU(d, x);
    if (count >= 4 * lanes) {
        auto a = hn::LoadU(d, x + lanes);
        auto b = hn::LoadU(d, x + 2 * lanes);
        auto c = hn::LoadU(d, x + 3 * lanes);
        for (i = 4 * lanes; i + 4 * lanes <= count; i += 4 * lanes) {
            sum = combine(sum, hn::LoadU(d, x + i));
            a = combine(a, hn::LoadU(d, x + i + lanes));
            b = combine(b, hn::LoadU(d, x + i + 2 * lanes));
            c = combine(c, hn::LoadU(d, x + i + 3 * lanes));
        }
        sum = combine(combine(sum, a), combine(b, c));
    }
    for (; i + lanes <= count; i += lanes) sum = combine(sum, hn::LoadU(d, x + i));
    float result = combine.across(sum);
    for (; i < count; ++i) result = combine(result, x[i]);
    return result;
}

// Over rows `inner` apart, for whole vectors of columns at once.
template <class Combine, class Finish>
HWY_INLINE void reduce_columns(const float* x, std::size_t reduced, std::size_t inner, float* out, Combine combine,
                               Finish finish) {
    const Tag d;
    const auto lanes = hn::Lanes(d);
    for (std::size_t i = 0; i < inner; i += lanes) {
        const auto part = inner - i;
        const auto load = [&](std::size_t r) HWY_ATTR {
            return part >= lanes ? hn::LoadU(d, x + r * inner + i) : load_part(d, x + r * inner + i, part);
        };
        auto sum = load(0);
        std::size_t r = 1;
        if (reduced >= 2) {
            auto other = load(1);
            for (r = 2; r + 2 <= reduced; r += 2) {
                sum = combine(sum, load(r));
                other = combine(other, load(r + 1));
            }
            sum = combine(sum, other);
        }
        if (r < reduced) sum = combine(sum, load(r));
        const auto result = finish(sum);
        if (part >= lanes) {
            hn::StoreU(result, d, out + i);
        } else {
            store_part(result, d, out + i, part);
        }
    }
}

template <class Combine>
HWY_INLINE void reduce_with(const float* x, std::size_t outer, std::size_t reduced, std::size_t inner, float divisor,
                            float* out, Combine combine) {
    for (std::size_t o = 0; o < outer; ++o, x += reduced * inner, out += inner) {
        if (inner == 1) {
            *out = reduce_row(x, reduced, combine) / divisor;
        } else {
            reduce_columns(x, reduced, inner, out, combine,
                           [divisor](V v) HWY_ATTR { return hn::Div(v, hn::Set(Tag{}, divisor)); });
        }
    }
}

void reduce_all(Reduction kind, const float* x, std::size_t outer, std::size_t reduced, std::size_t inner, float* out) {
    switch (kind) {
        case Reduction::sum:
            return reduce_with(x, outer, reduced, inner, 1.0F, out, Adding{});
        case Reduction::mean:
            return reduce_with(x, outer, reduced, inner, static_cast<float>(reduced), out, Adding{});
        case Reduction::maximum:
            return reduce_with(x, outer, reduced, inner, 1.0F, out, Taking{true});
        case Reduction::minimum:
            return reduce_with(x, outer, reduced, inner, 1.0F, out, Taking{false});
    }
}

}  // namespace sidetone::nn::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::nn::native {

HWY_EXPORT(reduce_all);

void reduce(Reduction kind, const float* x, std::size_t outer, std::size_t reduced, std::size_t inner,
            float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(reduce_all)(kind, x, outer, reduced, inner, out);
}

}  // namespace sidetone::nn::native
#endif
