// SPDX-License-Identifier: Apache-2.0
#include "dsp/real_fft_kernels.hpp"

#include <utility>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/real_fft_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Vectors of variable length are used as if they had four lanes: the shuffles below need to know the count.
constexpr std::size_t kWidest = HWY_HAVE_SCALABLE ? 4 : HWY_MIN(HWY_LANES(float), 16);

template <std::size_t kLanes>
using Tag = hn::CappedTag<float, kLanes>;

/// Complex numbers, one per lane.
template <class V>
struct Complex {
    V re, im;
};

template <class V>
HWY_INLINE Complex<V> add(Complex<V> a, Complex<V> b) {
    return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}

template <class V>
HWY_INLINE Complex<V> subtract(Complex<V> a, Complex<V> b) {
    return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}

template <class V>
HWY_INLINE Complex<V> product(Complex<V> a, Complex<V> b) {
    return {hn::NegMulAdd(a.im, b.im, hn::Mul(a.re, b.re)), hn::MulAdd(a.re, b.im, hn::Mul(a.im, b.re))};
}

/// A complex signal, real and imaginary parts apart.
struct Signal {
    float* re;
    float* im;

    [[nodiscard]] HWY_INLINE Signal exchanged() const { return {im, re}; }
};

template <class D>
HWY_INLINE auto load(D d, Signal x, std::size_t at) {
    return Complex<hn::Vec<D>>{hn::LoadU(d, x.re + at), hn::LoadU(d, x.im + at)};
}

template <class D, class V>
HWY_INLINE void store(D d, Complex<V> value, Signal y, std::size_t at) {
    hn::StoreU(value.re, d, y.re + at);
    hn::StoreU(value.im, d, y.im + at);
}

/// The four sums of a radix-4 butterfly, before their twiddles.
template <class V>
struct Quartet {
    Complex<V> y0, y1, y2, y3;
};

template <class V>
HWY_INLINE Quartet<V> butterfly4(Complex<V> x0, Complex<V> x1, Complex<V> x2, Complex<V> x3) {
    const auto t0 = add(x0, x2);
    const auto t1 = subtract(x0, x2);
    const auto t2 = add(x1, x3);
    const auto t3 = subtract(x1, x3);  // times -i below
    return {add(t0, t2),
            {hn::Add(t1.re, t3.im), hn::Sub(t1.im, t3.re)},
            subtract(t0, t2),
            {hn::Sub(t1.re, t3.im), hn::Add(t1.im, t3.re)}};
}

template <class D, class V>
HWY_INLINE void twiddle_by_array(D d, const float* twiddles, std::size_t length, std::size_t at, Quartet<V>& y) {
    const auto factor = [=](std::size_t k) HWY_ATTR {
        const float* re = twiddles + 2 * (k - 1) * length + at;
        return Complex<V>{hn::LoadU(d, re), hn::LoadU(d, re + length)};
    };
    y.y1 = product(y.y1, factor(1));
    y.y2 = product(y.y2, factor(2));
    y.y3 = product(y.y3, factor(3));
}

/// The pass of radix 4 and stride 1; `input` gives the vector of complex values from an index on.
template <class D, class Input>
HWY_INLINE void first_pass(D d, std::size_t groups, const float* twiddles, Input input, Signal y) {
    for (std::size_t p = 0; p < groups; p += hn::Lanes(d)) {
        auto sums = butterfly4(input(p), input(p + groups), input(p + 2 * groups), input(p + 3 * groups));
        twiddle_by_array(d, twiddles, groups, p, sums);
        hn::StoreInterleaved4(sums.y0.re, sums.y1.re, sums.y2.re, sums.y3.re, d, y.re + 4 * p);
        hn::StoreInterleaved4(sums.y0.im, sums.y1.im, sums.y2.im, sums.y3.im, d, y.im + 4 * p);
    }
}

/// Element q + 4 p of the k-th vector goes to q + 4 (4 p + k); the vectors begin at element j.
template <std::size_t kLanes, class D, class V>
HWY_INLINE void store_in_fours(D d, const V (&v)[4], float* y, std::size_t j) {
#if HWY_TARGET == HWY_SCALAR
    float* to = y + j / 4 * 16 + j % 4;
    for (std::size_t k = 0; k < 4; ++k) hn::StoreU(v[k], d, to + 4 * k);
#else
    float* to = y + 4 * j;
    if constexpr (kLanes == 4) {
        for (std::size_t k = 0; k < 4; ++k) hn::StoreU(v[k], d, to + 4 * k);
        return;
    }
    const V low_02 = hn::ConcatLowerLower(d, v[2], v[0]);
    const V low_13 = hn::ConcatLowerLower(d, v[3], v[1]);
    const V high_02 = hn::ConcatUpperUpper(d, v[2], v[0]);
    const V high_13 = hn::ConcatUpperUpper(d, v[3], v[1]);
    if constexpr (kLanes == 8) {
        hn::StoreU(hn::ConcatLowerLower(d, v[1], v[0]), d, to);
        hn::StoreU(hn::ConcatLowerLower(d, v[3], v[2]), d, to + 8);
        hn::StoreU(hn::ConcatUpperUpper(d, v[1], v[0]), d, to + 16);
        hn::StoreU(hn::ConcatUpperUpper(d, v[3], v[2]), d, to + 24);
    } else if constexpr (kLanes == 16) {
        hn::StoreU(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(low_13), low_02), d, to);
        hn::StoreU(hn::OddEvenBlocks(low_13, hn::SwapAdjacentBlocks(low_02)), d, to + 16);
        hn::StoreU(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(high_13), high_02), d, to + 32);
        hn::StoreU(hn::OddEvenBlocks(high_13, hn::SwapAdjacentBlocks(high_02)), d, to + 48);
    }
#endif
}

/// The pass of radix 4 and stride 4.
template <std::size_t kLanes>
HWY_INLINE void second_pass(std::size_t quarter, const float* twiddles, Signal x, Signal y) {
    const Tag<kLanes> d;
    for (std::size_t j = 0; j < quarter; j += kLanes) {
        auto sums = butterfly4(load(d, x, j), load(d, x, j + quarter), load(d, x, j + 2 * quarter),
                               load(d, x, j + 3 * quarter));
        twiddle_by_array(d, twiddles, quarter, j, sums);
        store_in_fours<kLanes>(d, {sums.y0.re, sums.y1.re, sums.y2.re, sums.y3.re}, y.re, j);
        store_in_fours<kLanes>(d, {sums.y0.im, sums.y1.im, sums.y2.im, sums.y3.im}, y.im, j);
    }
}

template <class D>
HWY_INLINE auto twiddle(D d, const float* w, std::size_t k) {
    return Complex<hn::Vec<D>>{hn::Set(d, w[2 * k - 2]), hn::Set(d, w[2 * k - 1])};
}

/// The butterflies of one group: strides of 16 and more. The first group's twiddles are all one.
template <bool kTwiddled, class D>
HWY_INLINE void group_of_radix4(D d, const FftPass& pass, const float* w, Signal x, Signal y) {
    const std::size_t apart = pass.stride * pass.groups;
    const std::size_t s = pass.stride;
    for (std::size_t q = 0; q < s; q += hn::Lanes(d)) {
        auto sums =
            butterfly4(load(d, x, q), load(d, x, q + apart), load(d, x, q + 2 * apart), load(d, x, q + 3 * apart));
        if constexpr (kTwiddled) {
            sums.y1 = product(sums.y1, twiddle(d, w, 1));
            sums.y2 = product(sums.y2, twiddle(d, w, 2));
            sums.y3 = product(sums.y3, twiddle(d, w, 3));
        }
        store(d, sums.y0, y, q);
        store(d, sums.y1, y, q + s);
        store(d, sums.y2, y, q + 2 * s);
        store(d, sums.y3, y, q + 3 * s);
    }
}

template <bool kTwiddled, class D>
HWY_INLINE void group_of_radix3(D d, const FftPass& pass, const float* w, Signal x, Signal y) {
    const std::size_t apart = pass.stride * pass.groups;
    const auto half_root3 = hn::Set(d, 0.86602540378443864676F);
    const auto half = hn::Set(d, 0.5F);
    for (std::size_t q = 0; q < pass.stride; q += hn::Lanes(d)) {
        const auto x0 = load(d, x, q);
        const auto x1 = load(d, x, q + apart);
        const auto x2 = load(d, x, q + 2 * apart);
        const auto sum = add(x1, x2);
        const auto difference = subtract(x1, x2);
        const auto re = hn::NegMulAdd(half, sum.re, x0.re);
        const auto im = hn::NegMulAdd(half, sum.im, x0.im);
        Complex<hn::Vec<D>> y1{hn::MulAdd(half_root3, difference.im, re), hn::NegMulAdd(half_root3, difference.re, im)};
        Complex<hn::Vec<D>> y2{hn::NegMulAdd(half_root3, difference.im, re), hn::MulAdd(half_root3, difference.re, im)};
        if constexpr (kTwiddled) {
            y1 = product(y1, twiddle(d, w, 1));
            y2 = product(y2, twiddle(d, w, 2));
        }
        store(d, add(x0, sum), y, q);
        store(d, y1, y, q + pass.stride);
        store(d, y2, y, q + 2 * pass.stride);
    }
}

/// With c_k, s_k = cos and sin of 2πk/5, the sums x1 ± x4 and x2 ± x3 give y1, y4 = a1 ∓ i·b1 and y2, y3 = a2 ∓ i·b2.
template <bool kTwiddled, class D>
HWY_INLINE void group_of_radix5(D d, const FftPass& pass, const float* w, Signal x, Signal y) {
    const std::size_t apart = pass.stride * pass.groups;
    const auto c1 = hn::Set(d, 0.30901699437494742410F), s1 = hn::Set(d, 0.95105651629515357212F);
    const auto c2 = hn::Set(d, -0.80901699437494742410F), s2 = hn::Set(d, 0.58778525229247312917F);
    const auto weighted = [](auto first, auto by_first, auto second, auto by_second)
                              HWY_ATTR { return hn::MulAdd(first, by_first, hn::Mul(second, by_second)); };
    for (std::size_t q = 0; q < pass.stride; q += hn::Lanes(d)) {
        const auto x0 = load(d, x, q);
        const auto x1 = load(d, x, q + apart), x4 = load(d, x, q + 4 * apart);
        const auto x2 = load(d, x, q + 2 * apart), x3 = load(d, x, q + 3 * apart);
        const auto sum1 = add(x1, x4), sum2 = add(x2, x3);
        const auto difference1 = subtract(x1, x4), difference2 = subtract(x2, x3);
        const auto sums = [&](auto by1, auto by2) HWY_ATTR {
            return add(x0, {weighted(sum1.re, by1, sum2.re, by2), weighted(sum1.im, by1, sum2.im, by2)});
        };
        // -i times the weighted differences.
        const auto turned = [&](auto by1, auto by2) HWY_ATTR {
            return Complex<hn::Vec<D>>{weighted(difference1.im, by1, difference2.im, by2),
                                       hn::Neg(weighted(difference1.re, by1, difference2.re, by2))};
        };
        const auto a1 = sums(c1, c2), a2 = sums(c2, c1);
        const auto b1 = turned(s1, s2), b2 = turned(s2, hn::Neg(s1));
        Complex<hn::Vec<D>> results[]{add(a1, b1), add(a2, b2), subtract(a2, b2), subtract(a1, b1)};
        store(d, add(x0, add(sum1, sum2)), y, q);
        for (std::size_t k = 1; k < 5; ++k) {
            if constexpr (kTwiddled) results[k - 1] = product(results[k - 1], twiddle(d, w, k));
            store(d, results[k - 1], y, q + k * pass.stride);
        }
    }
}

template <bool kTwiddled, class D>
HWY_INLINE void group_of_radix2(D d, const FftPass& pass, const float* w, Signal x, Signal y) {
    const std::size_t apart = pass.stride * pass.groups;
    for (std::size_t q = 0; q < pass.stride; q += hn::Lanes(d)) {
        const auto x0 = load(d, x, q);
        const auto x1 = load(d, x, q + apart);
        auto y1 = subtract(x0, x1);
        if constexpr (kTwiddled) y1 = product(y1, twiddle(d, w, 1));
        store(d, add(x0, x1), y, q);
        store(d, y1, y, q + pass.stride);
    }
}

template <bool kTwiddled, class D>
HWY_INLINE void group(D d, const FftPass& pass, const float* w, Signal x, Signal y) {
    if (pass.radix == 4) return group_of_radix4<kTwiddled>(d, pass, w, x, y);
    if (pass.radix == 5) return group_of_radix5<kTwiddled>(d, pass, w, x, y);
    if (pass.radix == 3) return group_of_radix3<kTwiddled>(d, pass, w, x, y);
    group_of_radix2<kTwiddled>(d, pass, w, x, y);
}

template <std::size_t kLanes>
HWY_INLINE void wide_pass(const FftPass& pass, const float* twiddles, Signal x, Signal y) {
    const Tag<kLanes> d;
    group<false>(d, pass, twiddles, x, y);
    for (std::size_t p = 1; p < pass.groups; ++p) {
        const std::size_t from = p * pass.stride;
        const std::size_t to = from * pass.radix;
        group<true>(d, pass, twiddles + 2 * p * (pass.radix - 1), {x.re + from, x.im + from}, {y.re + to, y.im + to});
    }
}

/// The two halves of the scratch.
struct Scratch {
    explicit Scratch(const FftPlan& plan)
        : a{plan.scratch, plan.scratch + fft_scratch_stride(plan.half)},
          b{a.im + fft_scratch_stride(plan.half), a.im + 2 * fft_scratch_stride(plan.half)} {}
    Signal a, b;
};

/// All passes after the first, from `x` on; returns where the result lies.
template <std::size_t kLanes, std::size_t kWide>
HWY_INLINE Signal remaining_passes(const FftPlan& plan, Signal x, Signal y) {
    const auto& second = plan.passes[1];
    second_pass<kLanes>(second.stride * second.groups, plan.twiddles + second.twiddles, x, y);
    for (std::size_t n = 2; n < plan.passes.size(); ++n) {
        std::swap(x, y);
        wide_pass<kWide>(plan.passes[n], plan.twiddles + plan.passes[n].twiddles, x, y);
    }
    return y;
}

/// The spectrum of the real signal from that of the half as long complex one, Z[k]: with a = Z[k], b = conj(Z[half -
/// k]),
///
///     X[k] = (a + b)/2 - i w^k (a - b)/2,   X[half - k] = conj((a + b)/2 + i w^k (a - b)/2),   w = exp(-2πi / (2
///     half)).
template <std::size_t kLanes>
HWY_INLINE void split_real(const FftPlan& plan, Signal z, std::complex<float>* out) {
    const Tag<kLanes> d;
    const std::size_t half = plan.half;
    const auto one_half = hn::Set(d, 0.5F);
    auto* bins = reinterpret_cast<float*>(out);
    z.re[half] = z.re[0];
    z.im[half] = z.im[0];
    const float middle_re = z.re[half / 2];
    const float middle_im = z.im[half / 2];
    for (std::size_t k = 0; k < half / 2; k += kLanes) {
        const std::size_t mirrored = half - k - kLanes + 1;
        const auto a = load(d, z, k);
        const auto b_re = hn::Reverse(d, hn::LoadU(d, z.re + mirrored));
        const auto b_im = hn::Reverse(d, hn::LoadU(d, z.im + mirrored));  // of Z, so minus that of b
        const auto sum_re = hn::Mul(one_half, hn::Add(a.re, b_re));
        const auto sum_im = hn::Mul(one_half, hn::Sub(a.im, b_im));
        const auto difference_re = hn::Mul(one_half, hn::Sub(a.re, b_re));
        const auto difference_im = hn::Mul(one_half, hn::Add(a.im, b_im));
        const auto cosine = hn::LoadU(d, plan.split + k);
        const auto sine = hn::LoadU(d, plan.split + half / 2 + k);
        // -i (cos - i sin)(re + i im) = (cos im - sin re) - i (cos re + sin im)
        const auto odd_re = hn::NegMulAdd(sine, difference_re, hn::Mul(cosine, difference_im));
        const auto odd_im = hn::MulAdd(sine, difference_im, hn::Mul(cosine, difference_re));  // negated
        hn::StoreInterleaved2(hn::Add(sum_re, odd_re), hn::Sub(sum_im, odd_im), d, bins + 2 * k);
        hn::StoreInterleaved2(hn::Reverse(d, hn::Sub(sum_re, odd_re)), hn::Reverse(d, hn::Neg(hn::Add(sum_im, odd_im))),
                              d, bins + 2 * mirrored);
    }
    out[half / 2] = {middle_re, -middle_im};
}

/// Undoes split_real, scaled by 1/half: with a = X[k], b = conj(X[half - k]), c = 1 / (2 half),
///
///     Z[k] = c (a + b) + i c conj(w)^k (a - b),   Z[half - k] = conj(c (a + b) - i c conj(w)^k (a - b)).
template <std::size_t kLanes>
HWY_INLINE void join_real(const FftPlan& plan, const std::complex<float>* in, Signal z) {
    const Tag<kLanes> d;
    const std::size_t half = plan.half;
    const float scale = 0.5F / static_cast<float>(half);
    const auto factor = hn::Set(d, scale);
    const auto* bins = reinterpret_cast<const float*>(in);
    for (std::size_t k = 0; k < half / 2; k += kLanes) {
        const std::size_t mirrored = half - k - kLanes + 1;
        Complex<hn::Vec<decltype(d)>> a;
        Complex<hn::Vec<decltype(d)>> b;
        hn::LoadInterleaved2(d, bins + 2 * k, a.re, a.im);
        hn::LoadInterleaved2(d, bins + 2 * mirrored, b.re, b.im);
        b = {hn::Reverse(d, b.re), hn::Reverse(d, b.im)};  // of X, so its imaginary part is minus that of b
        const auto sum_re = hn::Mul(factor, hn::Add(a.re, b.re));
        const auto sum_im = hn::Mul(factor, hn::Sub(a.im, b.im));
        const auto difference_re = hn::Mul(factor, hn::Sub(a.re, b.re));
        const auto difference_im = hn::Mul(factor, hn::Add(a.im, b.im));
        const auto cosine = hn::LoadU(d, plan.split + k);
        const auto sine = hn::LoadU(d, plan.split + half / 2 + k);
        // i (cos + i sin)(re + i im) = -(cos im + sin re) + i (cos re - sin im)
        const auto odd_re = hn::MulAdd(sine, difference_re, hn::Mul(cosine, difference_im));  // negated
        const auto odd_im = hn::NegMulAdd(sine, difference_im, hn::Mul(cosine, difference_re));
        store(d, Complex<hn::Vec<decltype(d)>>{hn::Sub(sum_re, odd_re), hn::Add(sum_im, odd_im)}, z, k);
        hn::StoreU(hn::Reverse(d, hn::Add(sum_re, odd_re)), d, z.re + mirrored);
        hn::StoreU(hn::Reverse(d, hn::Sub(odd_im, sum_im)), d, z.im + mirrored);
    }
    z.re[0] = scale * (in[0].real() + in[half].real());
    z.im[0] = scale * (in[0].real() - in[half].real());
    z.re[half / 2] = 2 * scale * in[half / 2].real();
    z.im[half / 2] = -2 * scale * in[half / 2].imag();
}

template <std::size_t kLanes, std::size_t kWide>
HWY_INLINE void forward_by(const FftPlan& plan, const float* in, std::complex<float>* out) {
    const Tag<kLanes> d;
    const Scratch scratch(plan);
    const auto pairs = [=](std::size_t n) HWY_ATTR {
        Complex<hn::Vec<decltype(d)>> x;
        hn::LoadInterleaved2(d, in + 2 * n, x.re, x.im);
        return x;
    };
    first_pass(d, plan.half / 4, plan.twiddles + plan.passes[0].twiddles, pairs, scratch.a);
    split_real<kLanes>(plan, remaining_passes<kLanes, kWide>(plan, scratch.a, scratch.b), out);
}

template <std::size_t kLanes, std::size_t kWide>
HWY_INLINE void inverse_by(const FftPlan& plan, const std::complex<float>* in, float* out) {
    const Tag<kLanes> d;
    const Scratch scratch(plan);
    join_real<kLanes>(plan, in, scratch.a);
    // The inverse transform is the forward one with real and imaginary parts exchanged before and after.
    const Signal x = scratch.a.exchanged();
    const auto values = [=](std::size_t n) HWY_ATTR { return load(d, x, n); };
    first_pass(d, plan.half / 4, plan.twiddles + plan.passes[0].twiddles, values, scratch.b.exchanged());
    const Signal z = remaining_passes<kLanes, kWide>(plan, scratch.b.exchanged(), x).exchanged();
    for (std::size_t n = 0; n < plan.half; n += kLanes) {
        const auto value = load(d, z, n);
        hn::StoreInterleaved2(value.re, value.im, d, out + 2 * n);
    }
}

/// Transforms up to this long (here of complex values) are those of filter banks in live callbacks, which are sooner
/// done with vectors of eight: see vector_loop-inl.hpp. Longer ones take their time, and less of it with 16.
constexpr std::size_t kLongestLive = 128;

constexpr std::size_t kEight = HWY_MIN(kWidest, 8);

/// The widest vectors that divide a quarter of the complex signal serve the passes of small stride.
[[gnu::hot]] void forward(const FftPlan& plan, const float* in, std::complex<float>* out) {
    [[maybe_unused]] const std::size_t quarter = plan.half / 4;  // NOLINT(clang-analyzer-deadcode.DeadStores)
    if (kWidest >= 8 && plan.half <= kLongestLive && quarter % 8 == 0) return forward_by<kEight, kEight>(plan, in, out);
    if (kWidest >= 16 && quarter % 16 == 0) return forward_by<kWidest, kWidest>(plan, in, out);
    if (kWidest >= 8 && quarter % 8 == 0) return forward_by<kEight, kWidest>(plan, in, out);
    forward_by<HWY_MIN(kWidest, 4), kWidest>(plan, in, out);
}

[[gnu::hot]] void inverse(const FftPlan& plan, const std::complex<float>* in, float* out) {
    [[maybe_unused]] const std::size_t quarter = plan.half / 4;  // NOLINT(clang-analyzer-deadcode.DeadStores)
    if (kWidest >= 8 && plan.half <= kLongestLive && quarter % 8 == 0) return inverse_by<kEight, kEight>(plan, in, out);
    if (kWidest >= 16 && quarter % 16 == 0) return inverse_by<kWidest, kWidest>(plan, in, out);
    if (kWidest >= 8 && quarter % 8 == 0) return inverse_by<kEight, kWidest>(plan, in, out);
    inverse_by<HWY_MIN(kWidest, 4), kWidest>(plan, in, out);
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(forward);
HWY_EXPORT(inverse);

[[gnu::hot]] void fft_forward(const FftPlan& plan, const float* in, std::complex<float>* out) noexcept {
    HWY_DYNAMIC_DISPATCH(forward)(plan, in, out);
}

[[gnu::hot]] void fft_inverse(const FftPlan& plan, const std::complex<float>* in, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(inverse)(plan, in, out);
}

}  // namespace sidetone::dsp
#endif
