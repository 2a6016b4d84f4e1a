// SPDX-License-Identifier: Apache-2.0
#include "dsp/biquad_kernels.hpp"

#include <algorithm>
#include <array>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/biquad_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kPiece = 32;  // frames at a time
constexpr float kMost = 64;

/// The next frames of the channels from `first` on, side by side.
template <class D>
HWY_INLINE void take_in(D d, const BiquadRun& run, std::size_t first, std::size_t from, std::size_t frames,
                        double* piece) {
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        const float* in = run.in[first + lane] + from;
        for (std::size_t n = 0; n < frames; ++n) {
            const float number = in[n] == in[n] ? in[n] : 0;
            piece[n * lanes + lane] = std::min(std::max(number, -kMost), kMost);
        }
    }
}

template <class D>
HWY_INLINE void hand_out(D d, const BiquadRun& run, std::size_t first, std::size_t from, std::size_t frames,
                         const double* piece) {
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        float* out = run.out[first + lane] + from;
        for (std::size_t n = 0; n < frames; ++n) out[n] = static_cast<float>(piece[n * lanes + lane]);
    }
}

/// All biquads on one frame after the other: the processor overlaps one frame's last biquads with the next one's first.
template <bool moving, class D>
HWY_INLINE void filter_piece(D d, const BiquadRun& run, std::size_t first, std::size_t frames, double* piece) {
    for (std::size_t n = 0; n < frames; ++n) {
        double* frame = piece + n * hn::Lanes(d);
        auto x = hn::LoadU(d, frame);
        for (std::size_t i = 0; i < run.count; ++i) {
            Biquad& c = run.biquads[i];
            if constexpr (moving) {
                const Biquad& step = run.steps[i];
                c = {c.b0 + step.b0, c.b1 + step.b1, c.b2 + step.b2, c.a1 + step.a1, c.a2 + step.a2};
            }
            double* memory = run.memory + 4 * i + first;
            const auto s1 = hn::LoadU(d, memory);
            const auto s2 = hn::LoadU(d, memory + 2);
            const auto y = hn::MulAdd(x, hn::Set(d, c.b0), s1);
            hn::StoreU(hn::NegMulAdd(y, hn::Set(d, c.a1), hn::MulAdd(x, hn::Set(d, c.b1), s2)), d, memory);
            hn::StoreU(hn::NegMulAdd(y, hn::Set(d, c.a2), hn::Mul(x, hn::Set(d, c.b2))), d, memory + 2);
            x = y;
        }
        hn::StoreU(x, d, frame);
    }
}

/// The channels from `first` on that fit into one vector.
template <class D>
HWY_INLINE void filter_channels(D d, const BiquadRun& run, std::size_t first) {
    alignas(16) std::array<double, 2 * kPiece> piece{};
    for (std::size_t from = 0; from < run.frames; from += kPiece) {
        const std::size_t frames = std::min(kPiece, run.frames - from);
        take_in(d, run, first, from, frames, piece.data());
        if (run.steps != nullptr) {
            filter_piece<true>(d, run, first, frames, piece.data());
        } else {
            filter_piece<false>(d, run, first, frames, piece.data());
        }
        hand_out(d, run, first, from, frames, piece.data());
    }
}

void filter_both(const BiquadRun& run) {
    const hn::CappedTag<double, 2> d;
    std::array<Biquad, BiquadCascade::kMost> start;
    std::copy_n(run.biquads, run.count, start.begin());
    for (std::size_t first = 0; first < run.channels; first += hn::Lanes(d)) {
        std::copy_n(start.begin(), run.count, run.biquads);
        filter_channels(d, run, first);
    }
}

}  // namespace sidetone::dsp::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidetone::dsp {

HWY_EXPORT(filter_both);

void filter_pair(const BiquadRun& run) noexcept {
    HWY_DYNAMIC_DISPATCH(filter_both)(run);
}

}  // namespace sidetone::dsp
#endif
