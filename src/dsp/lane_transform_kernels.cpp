// SPDX-License-Identifier: Apache-2.0
#include "dsp/lane_transform_kernels.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/lane_transform_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "dsp/lane_shuffles-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Complex numbers, one per lane.
template <class V>
struct Points {
    V re, im;
};

template <class V>
HWY_INLINE Points<V> operator+(Points<V> a, Points<V> b) {
    return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}

template <class V>
HWY_INLINE Points<V> operator-(Points<V> a, Points<V> b) {
    return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}

template <class V>
HWY_INLINE Points<V> product(Points<V> a, Points<V> w) {
    return {hn::NegMulAdd(a.im, w.im, hn::Mul(a.re, w.re)), hn::MulAdd(a.re, w.im, hn::Mul(a.im, w.re))};
}

/// a · conj(w)
template <class V>
HWY_INLINE Points<V> conjugate_product(Points<V> a, Points<V> w) {
    return {hn::MulAdd(a.im, w.im, hn::Mul(a.re, w.re)), hn::NegMulAdd(a.re, w.im, hn::Mul(a.im, w.re))};
}

template <class V>
HWY_INLINE V imaginary_conjugate_product(Points<V> a, Points<V> w) {
    return hn::NegMulAdd(a.re, w.im, hn::Mul(a.im, w.re));
}

template <class D>
HWY_INLINE auto load(D d, const float* from, std::size_t to_imaginary) {
    return Points<hn::Vec<D>>{hn::Load(d, from), hn::Load(d, from + to_imaginary)};
}

template <class D, class V>
HWY_INLINE void store(D d, Points<V> value, float* to, std::size_t to_imaginary) {
    hn::Store(value.re, d, to);
    hn::Store(value.im, d, to + to_imaginary);
}

/// ζ^power of a group, in every lane.
template <class D>
HWY_INLINE auto factor_of_group(D d, const float* factors, std::size_t power) {
    return Points<hn::Vec<D>>{hn::Set(d, factors[2 * power - 2]), hn::Set(d, factors[2 * power - 1])};
}

/// ζ^power, another one in each column.
template <class D>
HWY_INLINE auto factor_of_columns(D d, const float* factors, std::size_t power) {
    return load(d, factors + 2 * (power - 1) * kLanesOf<D>, kLanesOf<D>);
}

/// b[k] = Σ_m i^(k m) a[m]
template <class V>
HWY_INLINE void split4(Points<V>* a) {
    const auto s0 = a[0] + a[2];
    const auto s1 = a[0] - a[2];
    const auto s2 = a[1] + a[3];
    const auto s3 = a[1] - a[3];
    a[0] = s0 + s2;
    a[1] = {hn::Sub(s1.re, s3.im), hn::Add(s1.im, s3.re)};
    a[2] = s0 - s2;
    a[3] = {hn::Add(s1.re, s3.im), hn::Sub(s1.im, s3.re)};
}

/// a[m] = Σ_k i^(-k m) b[k]
template <class V>
HWY_INLINE void join4(Points<V>* b) {
    const auto s0 = b[0] + b[2];
    const auto s1 = b[0] - b[2];
    const auto s2 = b[1] + b[3];
    const auto s3 = b[1] - b[3];
    b[0] = s0 + s2;
    b[1] = {hn::Add(s1.re, s3.im), hn::Sub(s1.im, s3.re)};
    b[2] = s0 - s2;
    b[3] = {hn::Sub(s1.re, s3.im), hn::Add(s1.im, s3.re)};
}

void first_stage(const LaneTransform& transform, const float* older, const float* newer, LaneSignals z,
                 std::size_t first, std::size_t count) {
    with_lanes(z.lanes, [=, &transform](auto d) HWY_ATTR {
        constexpr std::size_t kLanes = kLanesOf<decltype(d)>;
        const std::size_t apart = transform.points() / 4;
        const float* factors = transform.by_group(0);
        const auto w1 = factor_of_group(d, factors, 1);
        const auto w2 = factor_of_group(d, factors, 2);
        const auto w3 = factor_of_group(d, factors, 3);
        for (std::size_t q = first; q < first + count; ++q) {
            const auto sample = [=](std::size_t m) HWY_ATTR {
                const std::size_t at = (q + m * apart) * kLanes;
                return Points<hn::Vec<decltype(d)>>{hn::Load(d, older + at), hn::Load(d, newer + at)};
            };
            Points<hn::Vec<decltype(d)>> a[4] = {sample(0), product(sample(1), w1), product(sample(2), w2),
                                                 product(sample(3), w3)};
            split4(a);
            for (std::size_t k = 0; k < 4; ++k) store(d, a[k], z.points + 2 * kLanes * (q + k * apart), kLanes);
        }
    });
}

/// Calls `body(group, offset in the group, how many)` for butterflies that lie in groups of `per_group`.
template <class Body>
HWY_INLINE void for_each_group(std::size_t per_group, std::size_t first, std::size_t count, Body body) {
    const std::size_t end = first + count;
    while (first < end) {
        const std::size_t group = first / per_group;
        const std::size_t until = HWY_MIN(end, (group + 1) * per_group);
        body(group, first - group * per_group, until - first);
        first = until;
    }
}

template <class D>
HWY_INLINE void middle_stage4(D d, const LaneTransform& transform, std::size_t stage, float* z, std::size_t first,
                              std::size_t count) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    const std::size_t span = transform.stage(stage).span;
    const std::size_t apart = span / 4 * 2 * kLanes;
    const float* factors = transform.by_group(stage);
    for_each_group(span / 4, first, count, [=](std::size_t group, std::size_t from, std::size_t here) HWY_ATTR {
        const auto w1 = factor_of_group(d, factors + 6 * group, 1);
        const auto w2 = factor_of_group(d, factors + 6 * group, 2);
        const auto w3 = factor_of_group(d, factors + 6 * group, 3);
        float* at = z + (group * span + from) * 2 * kLanes;
        for (std::size_t q = 0; q < here; ++q, at += 2 * kLanes) {
            Points<hn::Vec<D>> a[4] = {load(d, at, kLanes), product(load(d, at + apart, kLanes), w1),
                                       product(load(d, at + 2 * apart, kLanes), w2),
                                       product(load(d, at + 3 * apart, kLanes), w3)};
            split4(a);
            for (std::size_t k = 0; k < 4; ++k) store(d, a[k], at + k * apart, kLanes);
        }
    });
}

template <class D>
HWY_INLINE void middle_stage2(D d, const LaneTransform& transform, std::size_t stage, float* z, std::size_t first,
                              std::size_t count) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    const std::size_t span = transform.stage(stage).span;
    const std::size_t apart = span / 2 * 2 * kLanes;
    const float* factors = transform.by_group(stage);
    for_each_group(span / 2, first, count, [=](std::size_t group, std::size_t from, std::size_t here) HWY_ATTR {
        const auto w = factor_of_group(d, factors + 2 * group, 1);
        float* at = z + (group * span + from) * 2 * kLanes;
        for (std::size_t q = 0; q < here; ++q, at += 2 * kLanes) {
            const auto a = load(d, at, kLanes);
            const auto b = product(load(d, at + apart, kLanes), w);
            store(d, a + b, at, kLanes);
            store(d, a - b, at + apart, kLanes);
        }
    });
}

void middle_stage(const LaneTransform& transform, std::size_t stage, LaneSignals z, std::size_t first,
                  std::size_t count) {
    with_lanes(z.lanes, [=, &transform](auto d) HWY_ATTR {
        if (transform.stage(stage).radix == 4) {
            middle_stage4(d, transform, stage, z.points, first, count);
        } else {
            middle_stage2(d, transform, stage, z.points, first, count);
        }
    });
}

void last_stage(const LaneTransform& transform, LaneSignals z, float* out, std::size_t apart, std::size_t first,
                std::size_t count) {
    with_lanes(z.lanes, [=, &transform](auto d) HWY_ATTR {
        constexpr std::size_t kLanes = kLanesOf<decltype(d)>;
        const float* factors = transform.by_group(transform.stages() - 1);
        const std::size_t columns = transform.columns();
        const std::size_t quads = transform.rows() / 4;  // a power of two
        for (std::size_t group = first; group < first + count; ++group) {
            const float* w = factors + 6 * group;
            const float* at = z.points + 8 * kLanes * group;
            Points<hn::Vec<decltype(d)>> a[4] = {load(d, at, kLanes),
                                                 product(load(d, at + 2 * kLanes, kLanes), factor_of_group(d, w, 1)),
                                                 product(load(d, at + 4 * kLanes, kLanes), factor_of_group(d, w, 2)),
                                                 product(load(d, at + 6 * kLanes, kLanes), factor_of_group(d, w, 3))};
            split4(a);
            const std::size_t row = 4 * (group & (quads - 1));
            float* to = out + (row * columns + group / quads) * apart;
            for (std::size_t k = 0; k < 4; ++k) store(d, a[k], to + k * columns * apart, kLanes);
        }
    });
}

template <class D>
HWY_INLINE void inverse_stage4(D d, const LaneTransform& transform, std::size_t stage, float* rows, std::size_t first,
                               std::size_t count) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    const std::size_t span = transform.stage(stage).span;
    const std::size_t apart = span / 4 * 2 * kLanes;
    const float* factors = transform.by_column(stage);
    for_each_group(span / 4, first, count, [=](std::size_t group, std::size_t from, std::size_t here) HWY_ATTR {
        const float* w = factors + 6 * kLanes * group;
        float* at = rows + (group * span + from) * 2 * kLanes;
        for (std::size_t q = 0; q < here; ++q, at += 2 * kLanes) {
            Points<hn::Vec<D>> b[4] = {load(d, at, kLanes), load(d, at + apart, kLanes),
                                       load(d, at + 2 * apart, kLanes), load(d, at + 3 * apart, kLanes)};
            join4(b);
            store(d, b[0], at, kLanes);
            store(d, conjugate_product(b[1], factor_of_columns(d, w, 1)), at + apart, kLanes);
            store(d, conjugate_product(b[2], factor_of_columns(d, w, 2)), at + 2 * apart, kLanes);
            store(d, conjugate_product(b[3], factor_of_columns(d, w, 3)), at + 3 * apart, kLanes);
        }
    });
}

template <class D>
HWY_INLINE void inverse_stage2(D d, const LaneTransform& transform, std::size_t stage, float* rows, std::size_t first,
                               std::size_t count) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    const std::size_t span = transform.stage(stage).span;
    const std::size_t apart = span / 2 * 2 * kLanes;
    const float* factors = transform.by_column(stage);
    for_each_group(span / 2, first, count, [=](std::size_t group, std::size_t from, std::size_t here) HWY_ATTR {
        const auto w = factor_of_columns(d, factors + 2 * kLanes * group, 1);
        float* at = rows + (group * span + from) * 2 * kLanes;
        for (std::size_t q = 0; q < here; ++q, at += 2 * kLanes) {
            const auto a = load(d, at, kLanes);
            const auto b = load(d, at + apart, kLanes);
            store(d, a + b, at, kLanes);
            store(d, conjugate_product(a - b, w), at + apart, kLanes);
        }
    });
}

void inverse_stage_of(const LaneTransform& transform, std::size_t stage, float* rows, std::size_t first,
                      std::size_t count) {
    with_lanes(transform.columns(), [=, &transform](auto d) HWY_ATTR {
        if (transform.stage(stage).radix == 4) {
            inverse_stage4(d, transform, stage, rows, first, count);
        } else {
            inverse_stage2(d, transform, stage, rows, first, count);
        }
    });
}

/// Undoes stage 1, where it is one that goes across columns: groups of neighbouring columns.
template <class D>
HWY_INLINE void join_neighbours(D d, const LaneTransform& transform, float* re, float* im) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    const float* factors = transform.by_group(1);
    if constexpr (kLanes == 16) {
        for (std::size_t group = 0; group < 4; ++group) {
            Points<hn::Vec<D>> b[4];
            for (std::size_t k = 0; k < 4; ++k) {
                const std::size_t at = (4 * group + k) * kLanes;
                b[k] = {hn::Load(d, re + at), hn::Load(d, im + at)};
            }
            join4(b);
            for (std::size_t m = 0; m < 4; ++m) {
                const std::size_t at = (4 * group + m) * kLanes;
                const auto a = m == 0 ? b[0] : conjugate_product(b[m], factor_of_group(d, factors + 6 * group, m));
                hn::Store(a.re, d, re + at);
                hn::Store(a.im, d, im + at);
            }
        }
    } else if constexpr (kLanes == 8) {
        for (std::size_t group = 0; group < 4; ++group) {
            const std::size_t at = 2 * group * kLanes;
            const Points<hn::Vec<D>> a{hn::Load(d, re + at), hn::Load(d, im + at)};
            const Points<hn::Vec<D>> b{hn::Load(d, re + at + kLanes), hn::Load(d, im + at + kLanes)};
            const auto sum = a + b;
            const auto difference = conjugate_product(a - b, factor_of_group(d, factors + 2 * group, 1));
            hn::Store(sum.re, d, re + at);
            hn::Store(sum.im, d, im + at);
            hn::Store(difference.re, d, re + at + kLanes);
            hn::Store(difference.im, d, im + at + kLanes);
        }
    }
}

/// One tile: the columns of a square of rows become vectors, and stages 1 and 0 are undone across them.
template <class D>
HWY_INLINE void tile_of(D d, const LaneTransform& transform, const float* rows, float* newer) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    const std::size_t apart = transform.rows();
    HWY_ALIGN float re[kLanes * kLanes];
    HWY_ALIGN float im[kLanes * kLanes];
    hn::Vec<D> square[kLanes];
    for (std::size_t n = 0; n < kLanes; ++n) square[n] = hn::Load(d, rows + 2 * n * kLanes);
    transpose(d, square);
    for (std::size_t n = 0; n < kLanes; ++n) hn::Store(square[n], d, re + n * kLanes);
    for (std::size_t n = 0; n < kLanes; ++n) square[n] = hn::Load(d, rows + (2 * n + 1) * kLanes);
    transpose(d, square);
    for (std::size_t n = 0; n < kLanes; ++n) hn::Store(square[n], d, im + n * kLanes);
    join_neighbours(d, transform, re, im);
    const float* factors = transform.by_group(0);
    for (std::size_t q = 0; q < kLanes / 4; ++q) {
        Points<hn::Vec<D>> b[4];
        for (std::size_t k = 0; k < 4; ++k) {
            const std::size_t at = (q + k * (kLanes / 4)) * kLanes;
            b[k] = {hn::Load(d, re + at), hn::Load(d, im + at)};
        }
        join4(b);
        hn::Store(b[0].im, d, newer + q * apart);
        for (std::size_t m = 1; m < 4; ++m) {
            hn::Store(imaginary_conjugate_product(b[m], factor_of_group(d, factors, m)), d,
                      newer + (q + m * (kLanes / 4)) * apart);
        }
    }
}

void tiles(const LaneTransform& transform, const float* rows, float* newer, std::size_t first, std::size_t count) {
    with_lanes(transform.columns(), [=, &transform](auto d) HWY_ATTR {
        constexpr std::size_t kLanes = kLanesOf<decltype(d)>;
        for (std::size_t row = first * kLanes; row < (first + count) * kLanes; row += kLanes) {
            if constexpr (kLanes == 1) {
                newer[row] = rows[2 * row + 1];
            } else {
                tile_of(d, transform, rows + 2 * row * kLanes, newer + row);
            }
        }
    });
}

std::size_t lanes_here() {
    return kWidestLanes;
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(first_stage);
HWY_EXPORT(middle_stage);
HWY_EXPORT(last_stage);
HWY_EXPORT(inverse_stage_of);
HWY_EXPORT(tiles);
HWY_EXPORT(lanes_here);

void forward_first_stage(const LaneTransform& transform, const float* older, const float* newer, LaneSignals z,
                         std::size_t first, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(first_stage)(transform, older, newer, z, first, count);
}

void forward_stage(const LaneTransform& transform, std::size_t stage, LaneSignals z, std::size_t first,
                   std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(middle_stage)(transform, stage, z, first, count);
}

void forward_last_stage(const LaneTransform& transform, LaneSignals z, float* out, std::size_t apart, std::size_t first,
                        std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(last_stage)(transform, z, out, apart, first, count);
}

void inverse_stage(const LaneTransform& transform, std::size_t stage, float* rows, std::size_t first,
                   std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(inverse_stage_of)(transform, stage, rows, first, count);
}

void inverse_tiles(const LaneTransform& transform, const float* rows, float* newer, std::size_t first,
                   std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(tiles)(transform, rows, newer, first, count);
}

std::size_t widest_lanes() noexcept {
    return HWY_DYNAMIC_DISPATCH(lanes_here)();
}

}  // namespace sidetone::dsp
#endif
