// SPDX-License-Identifier: Apache-2.0
#include "dsp/convolver_kernels.hpp"

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/convolver_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "dsp/lane_shuffles-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void interleave(const std::array<const float*, kMostLanes>& channels, std::size_t lanes, std::size_t frames,
                float* out) {
    with_lanes(lanes, [=, &channels](auto d) HWY_ATTR {
        constexpr std::size_t kLanes = kLanesOf<decltype(d)>;
        std::size_t n = 0;
        for (; n + kLanes <= frames; n += kLanes) {
            hn::Vec<decltype(d)> square[kLanes];
            for (std::size_t c = 0; c < kLanes; ++c) square[c] = hn::LoadU(d, channels[c] + n);
            transpose(d, square);
            for (std::size_t c = 0; c < kLanes; ++c) hn::Store(square[c], d, out + (n + c) * kLanes);
        }
        for (; n < frames; ++n) {
            for (std::size_t c = 0; c < kLanes; ++c) out[n * kLanes + c] = channels[c][n];
        }
    });
}

/// The four products of the parts of two complex numbers, summed apart: a chain of additions for each keeps the
/// multipliers busy.
template <class V>
struct Sums {
    V re_re, im_im, re_im, im_re;
};

/// Sums over `count` neighbouring slots and partitions.
template <std::size_t kOutputs, class D>
HWY_INLINE void accumulate(D d, const float* HWY_RESTRICT x, const float* HWY_RESTRICT h, std::size_t count,
                           Sums<hn::Vec<D>>* sums) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    for (std::size_t p = 0; p < count; ++p, x += 2 * kLanes, h += 2 * kOutputs * kLanes) {
        const auto re = hn::Load(d, x);
        const auto im = hn::Load(d, x + kLanes);
        for (std::size_t o = 0; o < kOutputs; ++o) {
            const auto h_re = hn::Load(d, h + 2 * o * kLanes);
            const auto h_im = hn::Load(d, h + (2 * o + 1) * kLanes);
            sums[o].re_re = hn::MulAdd(re, h_re, sums[o].re_re);
            sums[o].im_im = hn::MulAdd(im, h_im, sums[o].im_im);
            sums[o].re_im = hn::MulAdd(re, h_im, sums[o].re_im);
            sums[o].im_re = hn::MulAdd(im, h_re, sums[o].im_re);
        }
    }
}

/// One point, all groups of inputs.
template <std::size_t kOutputs, class D>
HWY_INLINE void multiply_point(D d, const InputSpectra& inputs, const ResponseSpectra& response, Partitions partitions,
                               const float* x, const float* h, Sums<hn::Vec<D>>* sums) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    for (std::size_t g = 0; g < inputs.groups; ++g) {
        const std::size_t end = HWY_MIN(partitions.end, response.used[g]);
        const std::size_t until_wrap = HWY_MAX(partitions.first, HWY_MIN(end, inputs.slots - inputs.newest));
        std::size_t p = partitions.first;
        if (p < until_wrap) {
            accumulate<kOutputs>(d, x + 2 * kLanes * (inputs.newest + p), h + 2 * kOutputs * kLanes * p, until_wrap - p,
                                 sums);
            p = until_wrap;
        }
        if (p < end) {
            accumulate<kOutputs>(d, x + 2 * kLanes * (inputs.newest + p - inputs.slots), h + 2 * kOutputs * kLanes * p,
                                 end - p, sums);
        }
        x += 2 * kLanes * inputs.slots;
        h += 2 * kOutputs * kLanes * response.used[g];
    }
}

/// A batch of points for one response or a pair: products first, lanes still apart, then the sums over the lanes.
template <std::size_t kOutputs, class D>
HWY_INLINE void multiply_batch(D d, const InputSpectra& inputs, const ResponseSpectra& response, Partitions partitions,
                               const ProductRows& rows, std::size_t batch) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    const std::size_t x_stride = 2 * kLanes * inputs.slots * inputs.groups;
    const float* x = inputs.points + batch * kProductBatch * x_stride;
    const float* h = response.points + batch * kProductBatch * response.point_stride;
    // A row's real parts, then its imaginary ones.
    HWY_ALIGN float products[kOutputs][2 * kProductBatch * kLanes];
    for (std::size_t n = 0; n < kProductBatch; ++n, x += x_stride, h += response.point_stride) {
        Sums<hn::Vec<D>> sums[kOutputs];
        for (auto& sum : sums) sum = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
        multiply_point<kOutputs>(d, inputs, response, partitions, x, h, sums);
        const std::size_t at = n / rows.columns * 2 * rows.columns + n % rows.columns;
        for (std::size_t o = 0; o < kOutputs; ++o) {
            hn::Store(hn::Sub(sums[o].re_re, sums[o].im_im), d, products[o] + at * kLanes);
            hn::Store(hn::Add(sums[o].re_im, sums[o].im_re), d, products[o] + (at + rows.columns) * kLanes);
        }
    }
    for (std::size_t o = 0; o < kOutputs; ++o) {
        float* to = rows.first + response.outputs[o] * rows.stride + batch * 2 * kProductBatch;
        for (std::size_t n = 0; n < 2 * kProductBatch; n += kLanes) {
            hn::Vec<D> square[kLanes];
            for (std::size_t c = 0; c < kLanes; ++c) square[c] = hn::Load(d, products[o] + (n + c) * kLanes);
            hn::Store(sums_of(d, square), d, to + n);
        }
    }
}

void multiply(const InputSpectra& inputs, std::span<const ResponseSpectra> responses, Partitions partitions,
              const ProductRows& rows, std::size_t first, std::size_t count) {
    with_lanes(inputs.lanes, [=, &inputs, &rows](auto d) HWY_ATTR {
        for (std::size_t batch = first; batch < first + count; ++batch) {
            for (const auto& response : responses) {
                if (response.count == 2) {
                    multiply_batch<2>(d, inputs, response, partitions, rows, batch);
                } else {
                    multiply_batch<1>(d, inputs, response, partitions, rows, batch);
                }
            }
        }
    });
}

/// So many frames are made at once that their sums stay in registers.
constexpr std::size_t kDirectFrames = 4;

template <std::size_t kOutputs, std::size_t kFrames, class D>
HWY_INLINE void direct_frames(D d, const ResponseTaps& response, const float* newest, std::size_t group_stride,
                              std::size_t groups, float (*products)[kMostLanes * kLanesOf<D>], std::size_t at) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    hn::Vec<D> sums[kOutputs][kFrames];
    for (auto& of_output : sums) {
        for (auto& sum : of_output) sum = hn::Zero(d);
    }
    const float* h = response.taps;
    for (std::size_t g = 0; g < groups; ++g) {
        const float* x = newest + g * group_stride;
        for (std::size_t tap = 0; tap < response.length; ++tap, x -= kLanes, h += kOutputs * kLanes) {
            for (std::size_t o = 0; o < kOutputs; ++o) {
                const auto factor = hn::Load(d, h + o * kLanes);
                for (std::size_t n = 0; n < kFrames; ++n) {
                    sums[o][n] = hn::MulAdd(factor, hn::Load(d, x + n * kLanes), sums[o][n]);
                }
            }
        }
    }
    for (std::size_t o = 0; o < kOutputs; ++o) {
        for (std::size_t n = 0; n < kFrames; ++n) hn::Store(sums[o][n], d, products[o] + (at + n) * kLanes);
    }
}

template <std::size_t kOutputs, class D>
HWY_INLINE void direct(D d, const ResponseTaps& response, const float* newest, std::size_t group_stride,
                       std::size_t groups, std::size_t frames, const std::array<float*, 2>& out) {
    constexpr std::size_t kLanes = kLanesOf<D>;
    HWY_ALIGN float products[kOutputs][kMostLanes * kLanes] = {};
    for (std::size_t begin = 0; begin < frames; begin += kMostLanes) {
        const std::size_t here = HWY_MIN(frames - begin, kMostLanes);
        const float* from = newest + begin * kLanes;
        std::size_t n = 0;
        for (; n + kDirectFrames <= here; n += kDirectFrames) {
            direct_frames<kOutputs, kDirectFrames>(d, response, from + n * kLanes, group_stride, groups, products, n);
        }
        for (; n < here; ++n) {
            direct_frames<kOutputs, 1>(d, response, from + n * kLanes, group_stride, groups, products, n);
        }
        for (std::size_t o = 0; o < kOutputs; ++o) {
            HWY_ALIGN float sums[kMostLanes];
            for (std::size_t q = 0; q < kMostLanes; q += kLanes) {
                hn::Vec<D> square[kLanes];
                for (std::size_t c = 0; c < kLanes; ++c) square[c] = hn::Load(d, products[o] + (q + c) * kLanes);
                hn::Store(sums_of(d, square), d, sums + q);
            }
            for (std::size_t q = 0; q < here; ++q) out[o][begin + q] += sums[q];
        }
    }
}

void direct_of(const ResponseTaps& response, const float* newest, std::size_t group_stride, std::size_t lanes,
               std::size_t groups, std::size_t frames, const std::array<float*, 2>& out) {
    with_lanes(lanes, [=, &response, &out](auto d) HWY_ATTR {
        if (response.count == 2) {
            direct<2>(d, response, newest, group_stride, groups, frames, out);
        } else {
            direct<1>(d, response, newest, group_stride, groups, frames, out);
        }
    });
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(interleave);
HWY_EXPORT(multiply);
HWY_EXPORT(direct_of);

void interleave_lanes(const std::array<const float*, kMostLanes>& channels, std::size_t lanes, std::size_t frames,
                      float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(interleave)(channels, lanes, frames, out);
}

void multiply_spectra(const InputSpectra& inputs, std::span<const ResponseSpectra> responses, Partitions partitions,
                      const ProductRows& rows, std::size_t first, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply)(inputs, responses, partitions, rows, first, count);
}

void add_direct(const ResponseTaps& response, const float* newest, std::size_t group_stride, std::size_t lanes,
                std::size_t groups, std::size_t frames, const std::array<float*, 2>& out) noexcept {
    HWY_DYNAMIC_DISPATCH(direct_of)(response, newest, group_stride, lanes, groups, frames, out);
}

}  // namespace sidetone::dsp
#endif
