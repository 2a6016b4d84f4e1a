// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sidetone::dsp {

/// What the limiters do to whole arrays; any alignment. Samples that are not numbers count as 0, those beyond ±64 as
/// ±64.

/// envelope[n] = max(|in[n]| of the loudest channel, decay · envelope[n - 1]), where `before` stands for envelope[-1].
/// Each of `channels` begins at in[c][first]; returns the last one.
float follow_peaks(const float* const* in, std::size_t channels, std::size_t first, float decay, float before,
                   float* envelope, std::size_t count) noexcept;

/// Samples that an interpolated point is made of, half of them on either side.
inline constexpr std::size_t kInterpolatorTaps = 12;

/// peak[n] = max(peak[n], what lies from in[n + 5] to before in[n + 6] at four times the rate).
void raise_to_true_peaks(const float* in, float* peak, std::size_t count) noexcept;

void copy_bounded(const float* in, float* out, std::size_t count) noexcept;

/// A curve that turns an envelope e above `knee` into knee + w u / sqrt(1 + u²), u = (e - knee) / w, w = ceiling -
/// knee: it leaves the knee with slope 1 and nears the ceiling. At the knee and below the gain is exactly 1.
struct SoftKnee {
    float knee, ceiling;
};

/// out[c][n] = in[c][n] · (the gain for envelope[n - first]), and never beyond ±bound; n = first … first + count - 1.
void limit_softly(const float* const* in, std::size_t channels, std::size_t first, const float* envelope,
                  const SoftKnee& curve, float bound, float* const* out, std::size_t count) noexcept;

/// gain[n] = min(1, ceiling / peak[n]).
void needed_gains(const float* peak, float ceiling, float* gain, std::size_t count) noexcept;

/// out[n] = min and mean of in[n] … in[n + length - 1], n = 0 … count - 1, by doubling: about lb(length) passes,
/// whatever the values. `scratch` holds count + length - 1 floats. The mean of ones is exactly one.
void sliding_minimum(const float* in, std::size_t length, float* scratch, float* out, std::size_t count) noexcept;
void sliding_mean(const float* in, std::size_t length, float* scratch, float* out, std::size_t count) noexcept;

/// out[n] = in[n] · gain[n], and never beyond ±bound.
void multiply_and_bound(const float* in, const float* gain, float bound, float* out, std::size_t count) noexcept;

}  // namespace sidetone::dsp
