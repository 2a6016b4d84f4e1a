// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sidetone::dsp {

struct FrequencySpan {
    double low_hz = 0, high_hz = 0;
};

/// The third octaves around a sound's strongest one in which it is no more than 60 dB weaker: where its responses can
/// be told. Empty (both 0) for silence. Control thread.
[[nodiscard]] FrequencySpan covered_range(std::span<const float> sound, double rate_hz, double highest_hz);

/// How long before the response, and behind it, what the two functions below return begins and ends: room for what a
/// limited band makes of a click, on both its sides.
constexpr double kResponseMarginSeconds = 0.1;

/// The response that made `wet` of `dry`: the ratio of their spectra, within a range of frequencies,
///
///     Y(f) X*(f) / (|X(f)|² + ε),    ε = 10⁻⁶ of the mean of |X|² in the range,
///
/// `length` frames and the margins long. Both sounds are from silence to silence. Control thread.
[[nodiscard]] std::vector<float> estimated_response(std::span<const float> dry, std::span<const float> wet,
                                                    double rate_hz, const FrequencySpan& range, std::size_t length);

/// A response that is known, as `estimated_response` would give it from a perfect recording.
[[nodiscard]] std::vector<float> response_within(std::span<const float> response, double rate_hz,
                                                 const FrequencySpan& range);

}  // namespace sidetone::dsp
