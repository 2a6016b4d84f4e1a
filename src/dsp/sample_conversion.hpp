// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "rt/realtime.hpp"

namespace sidetone::dsp {

/// How a card or file stores one sample; little endian, full scale is ±1 as float.
enum class SampleFormat : std::uint8_t {
    s16,      ///< 16-bit integer
    s24,      ///< 24-bit integer packed in 3 bytes
    s24in32,  ///< 24-bit integer in the low three bytes of 4
    s32,      ///< 32-bit integer
    f32,      ///< 32-bit float
};

[[nodiscard]] constexpr std::size_t bytes_per_sample(SampleFormat format) noexcept {
    switch (format) {
        case SampleFormat::s16:
            return 2;
        case SampleFormat::s24:
            return 3;
        default:
            return 4;
    }
}
[[nodiscard]] const char* to_string(SampleFormat format) noexcept;

/// The card's input of one block: one interleaved buffer (`data[0]`), or one buffer per channel.
struct SampleSource {
    const void* const* data = nullptr;
    SampleFormat format = SampleFormat::f32;
    bool interleaved = false;
    std::uint32_t channels = 0;
};

/// The card's output of one block, laid out alike.
struct SampleSink {
    void* const* data = nullptr;
    SampleFormat format = SampleFormat::f32;
    bool interleaved = false;
    std::uint32_t channels = 0;
};

/// What a conversion met on its way.
struct ConversionReport {
    std::uint32_t not_finite = 0;  ///< NaN or infinity, replaced by 0
    std::uint32_t clipped =
        0;  ///< beyond ±1, clamped (towards integer formats only; +1 itself becomes the largest integer uncounted)
    float peak = 0;  ///< the largest magnitude among the floats, what is not finite taken as 0, before any clamping
};

/// Channel `channel` of `source`, `frames` samples from `first_frame` on, to floats at `out` (any alignment). Integers
/// are divided by 2^(bits-1). NaN and infinity become 0 and are counted.
ConversionReport to_float(const SampleSource& source, std::uint32_t channel, std::size_t first_frame,
                          std::size_t frames, float* out) noexcept SIDETONE_REALTIME;

/// Floats to channel `channel` of `sink`. Towards integers: scaled by 2^(bits-1), rounded to nearest even, clamped.
/// NaN and infinity become 0 for every format and are counted; so nothing but finite samples ever leaves.
ConversionReport from_float(const float* in, const SampleSink& sink, std::uint32_t channel, std::size_t first_frame,
                            std::size_t frames) noexcept SIDETONE_REALTIME;

}  // namespace sidetone::dsp
