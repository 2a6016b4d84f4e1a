// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "dsp/sample_conversion.hpp"

namespace sidetone::dsp {

/// `count` samples that lie side by side.
ConversionReport packed_to_float(SampleFormat format, const std::byte* in, std::size_t count, float* out) noexcept;
ConversionReport packed_from_float(SampleFormat format, const float* in, std::size_t count, std::byte* out) noexcept;

/// What a conversion of whole vectors got done; the caller does the rest.
struct PartialConversion {
    std::size_t frames = 0;
    ConversionReport report;
};

/// One channel of interleaved stereo; every format but s24, for which nothing is done.
PartialConversion stereo_to_float(SampleFormat format, const std::byte* frames, std::uint32_t channel,
                                  std::size_t count, float* out) noexcept;
/// The other channel is read and written back as it was.
PartialConversion stereo_from_float(SampleFormat format, const float* in, std::uint32_t channel, std::size_t count,
                                    std::byte* frames) noexcept;

}  // namespace sidetone::dsp
