// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dsp/alignment.hpp"
#include "dsp/polyphase_resampler.hpp"
#include "unit/dsp/signals.hpp"
#include "unit/nn/test_models.hpp"

namespace sidetone::engine::test {

/// The beginning of a real utterance, at any rate.
[[nodiscard]] inline std::vector<float> speech_at(std::uint32_t rate_hz, double seconds) {
    constexpr std::uint32_t kSpeechHz = 16'000;
    const auto speech = nn::test::speech();
    const auto frames = static_cast<std::size_t>(seconds * rate_hz);
    if (rate_hz == kSpeechHz) return {speech.begin(), speech.begin() + static_cast<std::ptrdiff_t>(frames)};
    const dsp::PolyphaseResampler resampler{kSpeechHz, rate_hz};
    const auto margin = 2 * std::size_t{resampler.half()};
    std::vector<float> padded(margin, 0.0F);
    padded.insert(padded.end(), speech.begin(), speech.end());
    std::vector<float> out(frames);
    resampler.compute(padded.data(), -static_cast<std::int64_t>(margin), 0, frames, out.data());
    return out;
}

/// By how many samples `output` is late, up to 0.2 s at 48 kHz.
[[nodiscard]] inline std::int64_t delay_found(std::span<const float> input, std::span<const float> output) {
    return dsp::delay_by_cross_correlation(input, output, 9600);
}

[[nodiscard]] inline bool all_finite(std::span<const float> samples) {
    return std::ranges::all_of(samples, [](float sample) { return std::isfinite(sample); });
}

[[nodiscard]] inline float peak_of(std::span<const float> samples) {
    float peak = 0;
    for (const float sample : samples) peak = std::max(peak, std::fabs(sample));
    return peak;
}

/// Largest difference over the length of the shorter.
[[nodiscard]] inline float largest_difference(std::span<const float> a, std::span<const float> b) {
    float worst = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) worst = std::max(worst, std::fabs(a[i] - b[i]));
    return worst;
}

}  // namespace sidetone::engine::test
