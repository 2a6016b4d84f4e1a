// SPDX-License-Identifier: Apache-2.0
#include "dsp/biquad_kernels.hpp"

#include <algorithm>
#include <array>

#include "dsp/vector_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dsp/biquad_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
#include <hwy/highway.h>

#include "dsp/bounded_samples-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace sidetone::dsp::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kPiece = 32;  // frames at a time

#if HWY_TARGET != HWY_SCALAR
using Floats = hn::CappedTag<float, 4>;
using Pairs = hn::CappedTag<double, 2>;  // a frame of two channels

/// Two frames from the lower half of a vector, two from the upper one.
template <class V>
HWY_INLINE void store_frames(V four, double* piece) {
    const hn::Half<Floats> half;
    hn::StoreU(hn::PromoteTo(Pairs(), hn::LowerHalf(half, four)), Pairs(), piece);
    hn::StoreU(hn::PromoteTo(Pairs(), hn::UpperHalf(half, four)), Pairs(), piece + 2);
}

HWY_INLINE auto load_frames(const double* piece) {
    const hn::Half<Floats> half;
    return hn::Combine(Floats(), hn::DemoteTo(half, hn::LoadU(Pairs(), piece + 2)),
                       hn::DemoteTo(half, hn::LoadU(Pairs(), piece)));
}
#endif

/// The next frames of the channels from `first` on, side by side.
template <class D>
HWY_INLINE void take_in(D d, const BiquadRun& run, std::size_t first, std::size_t from, std::size_t frames,
                        double* piece) {
    std::size_t n = 0;
#if HWY_TARGET != HWY_SCALAR
    const float* left = run.in[0] + from;
    const float* right = run.in[1] + from;
    for (; n + 4 <= frames; n += 4) {
        const auto a = load_bounded(Floats(), left + n);
        const auto b = load_bounded(Floats(), right + n);
        store_frames(hn::InterleaveLower(Floats(), a, b), piece + 2 * n);
        store_frames(hn::InterleaveUpper(Floats(), a, b), piece + 2 * n + 4);
    }
#endif
    const hn::CappedTag<float, 1> one;
    const std::size_t lanes = hn::Lanes(d);
    for (; n < frames; ++n) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            piece[n * lanes + lane] = hn::GetLane(load_bounded(one, run.in[first + lane] + from + n));
        }
    }
}

template <class D>
HWY_INLINE void hand_out(D d, const BiquadRun& run, std::size_t first, std::size_t from, std::size_t frames,
                         const double* piece) {
    std::size_t n = 0;
#if HWY_TARGET != HWY_SCALAR
    float* left = run.out[0] + from;
    float* right = run.out[1] + from;
    for (; n + 4 <= frames; n += 4) {
        const auto a = load_frames(piece + 2 * n);
        const auto b = load_frames(piece + 2 * n + 4);
        hn::StoreU(hn::ConcatEven(Floats(), b, a), Floats(), left + n);
        hn::StoreU(hn::ConcatOdd(Floats(), b, a), Floats(), right + n);
    }
#endif
    const std::size_t lanes = hn::Lanes(d);
    for (; n < frames; ++n) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            run.out[first + lane][from + n] = static_cast<float>(piece[n * lanes + lane]);
        }
    }
}

/// All biquads on one frame after the other, while their coefficients move.
template <class D>
HWY_INLINE void filter_moving(D d, const BiquadRun& run, std::size_t first, std::size_t frames, double* piece) {
    for (std::size_t n = 0; n < frames; ++n) {
        double* frame = piece + n * hn::Lanes(d);
        auto x = hn::LoadU(d, frame);
        for (std::size_t i = 0; i < run.count; ++i) {
            Biquad& c = run.biquads[i];
            const Biquad& step = run.steps[i];
            c = {c.b0 + step.b0, c.b1 + step.b1, c.b2 + step.b2, c.a1 + step.a1, c.a2 + step.a2};
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

/// One biquad whose memories stay in registers.
template <class D>
struct HeldBiquad {
    hn::Vec<D> s1, s2, b0, b1, b2, a1, a2;

    HWY_INLINE HeldBiquad(D d, const Biquad& c, const double* memory)
        : s1(hn::LoadU(d, memory)),
          s2(hn::LoadU(d, memory + 2)),
          b0(hn::Set(d, c.b0)),
          b1(hn::Set(d, c.b1)),
          b2(hn::Set(d, c.b2)),
          a1(hn::Set(d, c.a1)),
          a2(hn::Set(d, c.a2)) {}

    HWY_INLINE hn::Vec<D> next(hn::Vec<D> x) {
        const auto y = hn::MulAdd(x, b0, s1);
        s1 = hn::NegMulAdd(y, a1, hn::MulAdd(x, b1, s2));
        s2 = hn::NegMulAdd(y, a2, hn::Mul(x, b2));
        return y;
    }
    HWY_INLINE void keep(D d, double* memory) const {
        hn::StoreU(s1, d, memory);
        hn::StoreU(s2, d, memory + 2);
    }
};

/// `kCount` biquads in a row, 1 to 3, from number `i` on: the processor overlaps one frame's last biquad with the next
/// one's first, and a frame waits for the one before it only in registers.
template <std::size_t kCount, class D>
HWY_INLINE void filter_held(D d, const BiquadRun& run, std::size_t first, std::size_t i, std::size_t frames,
                            double* piece) {
    constexpr std::size_t kSecond = kCount > 1 ? 1 : 0, kThird = kCount > 2 ? 2 : 0;
    double* memory = run.memory + 4 * i + first;
    HeldBiquad<D> one(d, run.biquads[i], memory);
    HeldBiquad<D> two(d, run.biquads[i + kSecond], memory + 4 * kSecond);
    HeldBiquad<D> three(d, run.biquads[i + kThird], memory + 4 * kThird);
    for (std::size_t n = 0; n < frames; ++n) {
        double* frame = piece + n * hn::Lanes(d);
        auto x = one.next(hn::LoadU(d, frame));
        if constexpr (kCount > 1) x = two.next(x);
        if constexpr (kCount > 2) x = three.next(x);
        hn::StoreU(x, d, frame);
    }
    one.keep(d, memory);
    if constexpr (kCount > 1) two.keep(d, memory + 4 * kSecond);
    if constexpr (kCount > 2) three.keep(d, memory + 4 * kThird);
}

template <class D>
HWY_INLINE void filter_still(D d, const BiquadRun& run, std::size_t first, std::size_t frames, double* piece) {
    std::size_t i = 0;
    for (; i + 3 <= run.count; i += 3) filter_held<3>(d, run, first, i, frames, piece);
    if (run.count - i == 2) filter_held<2>(d, run, first, i, frames, piece);
    if (run.count - i == 1) filter_held<1>(d, run, first, i, frames, piece);
}

/// The channels from `first` on that fit into one vector.
template <class D>
HWY_INLINE void filter_channels(D d, const BiquadRun& run, std::size_t first) {
    HWY_ALIGN double piece[2 * kPiece];
    for (std::size_t from = 0; from < run.frames; from += kPiece) {
        const std::size_t frames = std::min(kPiece, run.frames - from);
        take_in(d, run, first, from, frames, piece);
        if (run.steps != nullptr) {
            filter_moving(d, run, first, frames, piece);
        } else {
            filter_still(d, run, first, frames, piece);
        }
        hand_out(d, run, first, from, frames, piece);
    }
}

[[gnu::hot]] void filter_both(const BiquadRun& run) {
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

[[gnu::hot]] void filter_pair(const BiquadRun& run) noexcept {
    HWY_DYNAMIC_DISPATCH(filter_both)(run);
}

}  // namespace sidetone::dsp
#endif
