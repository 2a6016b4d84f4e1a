// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// A filter of second order as equalisers have it. `gain_db` counts for peaking filters and shelves only.
struct EqualiserFilter {
    enum class Shape : std::uint8_t { peaking, low_shelf, high_shelf, low_pass, high_pass, notch };

    Shape shape = Shape::peaking;
    double frequency_hz = 1000;
    double gain_db = 0;
    double q = 0.7071;
};

/// (b0 + b1 z⁻¹ + b2 z⁻²) / (1 + a1 z⁻¹ + a2 z⁻²)
struct Biquad {
    double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};

/// Robert Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients" (W3C Note, 2021). A
/// frequency at or above half the rate cannot be had: there the filter passes everything on as it is.
[[nodiscard]] Biquad make_biquad(const EqualiserFilter& filter, double rate_hz) noexcept;

/// What a sine of `frequency_hz` is multiplied by.
[[nodiscard]] std::complex<double> response(const Biquad& biquad, double frequency_hz, double rate_hz) noexcept;

/// Up to ten biquads in a row on each of several channels, in double precision: transposed direct form II, whose
/// states stay bounded while coefficients move. New coefficients are reached on straight lines within 20 ms: the stable
/// ones are a triangle in the plane of a1 and a2, so every step on the way is a stable filter, and nothing clicks.
///
/// What is not a number counts as silence, what is beyond ±64 as ±64. Made on the control thread, used by one at a
/// time.
class BiquadCascade {
public:
    static constexpr std::size_t kMost = 10;

    BiquadCascade(std::size_t channels, double rate_hz);

    /// Coefficients to go to, kMost at most. The first set there is counts from the start.
    void set(std::span<const Biquad> biquads) noexcept SIDETONE_REALTIME;

    /// `in` may be `out`.
    void process(const float* const* in, float* const* out, std::size_t frames) noexcept SIDETONE_REALTIME;

    /// Back to silence, at the coefficients that were set last.
    void reset() noexcept;

private:
    using Pair = std::array<double, 2>;
    /// The memories of one biquad for two channels.
    struct Memory {
        Pair s1{}, s2{};
    };

    void run(const float* const* in, float* const* out, std::size_t first, std::size_t frames, bool moving) noexcept;

    std::size_t channels_;
    std::size_t glide_frames_;
    std::size_t frames_to_go_ = 0;  // until the target is reached
    std::size_t count_ = 0;         // biquads that do anything
    std::size_t target_count_ = 0;
    bool is_set_ = false;
    std::array<Biquad, kMost> now_, target_, step_;
    std::vector<std::array<Memory, kMost>> memory_;  // of each pair of channels
};

}  // namespace sidetone::dsp
